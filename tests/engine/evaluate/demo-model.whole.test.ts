import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { evaluatePerplexity } from '../../../main/engine/evaluate/perplexity.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { useKernelsForMatMul } from '../../../main/engine/tensors/wasm-matmul.ts';
import { folderTokenizer } from '../text/folder-tokenizer.ts';

const DEMO = join(import.meta.dirname, '../../../resources/demo-model');

it('finds the perplexity of the demo model that transformers finds on the same 64 windows', async () => {
  await startTestBackend();
  const pool = await KernelPool.start();
  const restore = useKernelsForMatMul(pool);
  const checkpoint = await openCheckpoint(join(DEMO, 'model'));
  const tokenizer = await folderTokenizer(join(DEMO, 'model'), checkpoint.model);
  const tokens = tokenizer.encode(await readFile(join(DEMO, 'evaluation.txt'), 'utf8'), { special: true });
  const windows = Array.from({ length: 64 }, (_, i) => tokens.slice(i * 512, (i + 1) * 512));
  const measured = await evaluatePerplexity({ checkpoint, windows });
  await checkpoint.close();
  restore();
  await pool.stop();
  // transformers 5.23.0, float32: 69.465185 over all windows, and the mean losses of the first two.
  expect(measured.perplexity / 69.46518494952662).toBeCloseTo(1, 5);
  expect(measured.windowNll[0]).toBeCloseTo(4.2636, 4);
  expect(measured.windowNll[1]).toBeCloseTo(4.2959, 4);
  expect(measured).toMatchObject({ windows: 64, contextLength: 512, tokens: 32768 });
});
