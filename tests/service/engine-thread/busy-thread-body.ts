/** The engine's thread in tensor operations, without a turn for its event loop, until the file that CLAQ_TEST_FILE names is there. */
import { existsSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { startBackend } from '../../../main/engine/tensors/backend.ts';
import { serveTask } from '../../../main/service/engine-thread/serve-task.ts';

serveTask(async (_, { onNote }) => {
  await startBackend({ engine: 'wasm' });
  onNote('blocked from now on');
  const ones: tf.Tensor2D = tf.ones([512, 512]);
  while (!existsSync(process.env['CLAQ_TEST_FILE'] ?? '')) {
    tf.tidy(() => tf.matMul(ones, ones).dataSync());
  }
  ones.dispose();
  return {
    source: '',
    folder: '',
    target: { format: 'dense', dtype: 'source' },
    files: 0,
    bytes: 0,
    seconds: 0,
    check: {
      tensors: 0,
      maxRounding: 0,
      perplexity: { windows: 0, contextLength: 0, expected: 1, found: 1 },
    },
  };
});
