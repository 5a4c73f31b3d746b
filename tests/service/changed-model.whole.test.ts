/** A run points back to its source model; a source that has changed since is refused, not mixed in. */
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { evaluateModel } from '../../main/service/evaluate.ts';
import { exportQuantized } from '../../main/service/export.ts';
import { quantizeModel } from '../../main/service/quantize.ts';
import { QUICK_TEXTS, writeTinyModel } from './tiny-model.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claq-changed-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('export and evaluate name the file that is not the one quantized', async () => {
  const model = join(folder, 'model');
  const run = join(folder, 'run');
  await writeTinyModel(model, { blocks: 1 });
  await quantizeModel({ model, out: run, budget: { bits: 2 }, ...QUICK_TEXTS });
  await appendFile(join(model, 'tokenizer.json'), '\n');
  const refusal = { code: 'model/changed', where: join(model, 'tokenizer.json') };
  await expect(exportQuantized({ source: run, out: join(folder, 'out') })).rejects.toMatchObject(refusal);
  await expect(evaluateModel({ model: run, windows: 1, contextLength: 64 })).rejects.toMatchObject(refusal);
});
