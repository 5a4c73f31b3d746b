/** Products in half precision, by processes with different numbers of threads. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const PROCESS = fileURLToPath(new URL('half-product-process.ts', import.meta.url));

async function digests(threads: number, shape: readonly number[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    PROCESS,
    ...[threads, ...shape].map(String),
  ]);
  return stdout;
}

// Sums that TensorFlow's kernels were seen to cut by the number of threads, where they are given whole.
it.each([
  [1024, 1536, 576],
  [1024, 700, 576],
  [2304, 1152, 384],
])('gives the same bytes on any number of threads: %i x %i x %i', async (...shape) => {
  const single = await digests(1, shape);
  expect(single).toMatch(/^[\da-f]{64} [\da-f]{64}$/);
  for (const threads of [2, 3]) expect(await digests(threads, shape)).toBe(single);
});
