/** A run points back to its source model, and says what its own files were: what has changed since is refused, not mixed in. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ClaqError } from '../../shared/errors.ts';
import { evaluateModel } from '../../main/service/evaluate.ts';
import { exportQuantized } from '../../main/service/export.ts';
import { quantizeModel } from '../../main/service/quantize.ts';
import { QUICK_TEXTS, writeTinyModel } from './tiny-model.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claq-changed-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('export and evaluate name the file that is not the one quantized, or not the one written', async () => {
  const model = join(folder, 'model');
  const run = join(folder, 'run');
  await writeTinyModel(model, { blocks: 1 });
  await quantizeModel({ model, out: run, budget: { bits: 2 }, ...QUICK_TEXTS });
  const bothRefuse = async (refusal: Readonly<Record<string, unknown>>): Promise<void> => {
    const out = join(folder, 'out');
    for (const format of ['dense', 'packed'] as const) {
      const target = { format, dtype: 'source' } as const;
      await expect(exportQuantized({ source: run, out, target })).rejects.toMatchObject(refusal);
    }
    await expect(evaluateModel({ model: run, windows: 1, contextLength: 64 })).rejects.toMatchObject(refusal);
    expect(existsSync(out)).toBe(false);
  };

  const [name = ''] = await readdir(join(run, 'matrices'));
  const matrix = join(run, 'matrices', name);
  const written = await readFile(matrix);
  // The last byte of the codes: still a matrix, of other weights.
  const flipped = Buffer.from(written);
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 1) ^ 1, flipped.length - 1);
  await writeFile(matrix, flipped);
  await bothRefuse({ code: 'result/malformed', where: matrix, found: `sha256 ${sha256(flipped)}` });
  await rm(matrix);
  await bothRefuse({ code: 'result/malformed', where: matrix, found: 'no such file' });
  await writeFile(matrix, written);

  await appendFile(join(model, 'tokenizer.json'), '\n');
  await bothRefuse({ code: 'model/changed', where: join(model, 'tokenizer.json') });
});

it('export of a file says what it wants instead', async () => {
  const file = join(folder, 'model.bin');
  await writeFile(file, 'no model');
  const { code } = await exportQuantized({ source: file }).then(
    () => ({ code: 'none' }),
    (error: unknown) => (error instanceof ClaqError ? error : { code: String(error) }),
  );
  expect(code).toMatch(/^(request|model)\//);
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
