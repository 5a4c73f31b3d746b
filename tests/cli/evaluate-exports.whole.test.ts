/** `claq evaluate` on whatever an export has made: a folder, a packed model, a GGUF file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportQuantized } from '../../main/service/export.ts';
import { quantizeModel } from '../../main/service/quantize.ts';
import type { ExportTarget } from '../../shared/exports.ts';
import { evaluateSummarySchema } from '../../shared/summaries.ts';
import { QUICK_TEXTS, writeTinyModel } from '../service/tiny-model.ts';
import { claq, eventsOf } from './claq-process.ts';

let work = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-evaluate-'));
  const model = await writeTinyModel(join(work, 'model'));
  await quantizeModel({ model, out: join(work, 'run'), ...QUICK_TEXTS, evaluation: { windows: 0 } });
});
afterAll(() => rm(work, { recursive: true }));

async function perplexityOf(path: string): Promise<number> {
  const { code, stdout } = await claq('evaluate', path, '--windows', '2', '--context', '128', '--json');
  expect(code).toBe(0);
  const last = eventsOf(stdout).at(-1);
  return evaluateSummarySchema.parse(last?.event === 'result' ? last.result : undefined).perplexity;
}

it('is the perplexity of the dense export within the rounding of each format', async () => {
  const exported = async (target: ExportTarget): Promise<string> =>
    (await exportQuantized({ source: join(work, 'run'), target })).folder;
  const dense = await perplexityOf(await exported({ format: 'dense', dtype: 'source' }));
  expect(await perplexityOf(join(work, 'run'))).toBeCloseTo(dense, 6);
  expect(await perplexityOf(await exported({ format: 'packed', dtype: 'source' }))).toBeCloseTo(dense, 6);
  // A GGUF file alone, and the folder that it lies in.
  const f16 = await exported({ format: 'gguf', dtype: 'f16' });
  expect((await perplexityOf(join(f16, 'model-claq-F16.gguf'))) / dense).toBeCloseTo(1, 3);
  const q8 = await exported({ format: 'gguf', dtype: 'q8_0' });
  expect((await perplexityOf(q8)) / dense).toBeCloseTo(1, 2);
});
