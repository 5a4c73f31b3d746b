/** Prints a digest of products in half precision, by TensorFlow on so many threads: a process has one TensorFlow. */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { startBackend } from '../../../main/engine/tensors/backend.ts';
import { halfProduct } from '../../../main/engine/tensors/tensorflow/half-product.ts';
import { tensorflowInUse } from '../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { Random } from '../../oracle/random.ts';

const [threads = '1', rows = '1', inner = '1', columns = '1'] = process.argv.slice(2);
const [m, k, n] = [Number(rows), Number(inner), Number(columns)];
await startBackend({ engine: 'tensorflow-cpu', threads: Number(threads) });
const backend = tensorflowInUse();
if (backend === undefined) throw new Error('TensorFlow is not in use');
const random = new Random(93);
const first = random.floats(m * k, () => random.student(5));
const second = random.floats(k * n, () => random.student(5));
const digests: string[] = [];
for (const transposeSecond of [false, true]) {
  const product = tf.tidy(() =>
    halfProduct(backend, tf.tensor2d(first, [m, k]), tf.tensor2d(second, transposeSecond ? [n, k] : [k, n]), {
      precision: 'bfloat16',
      transposeSecond,
    }),
  );
  digests.push(createHash('sha256').update(product.dataSync<'float32'>()).digest('hex'));
}
process.stdout.write(digests.join(' '));
