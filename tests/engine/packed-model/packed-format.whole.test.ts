import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ClaqError } from '../../../shared/errors.ts';
import { packedFormat } from '../../../main/engine/packed-model/packed-format.ts';
import { openPacked } from '../../../main/engine/packed-model/open-packed.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { bytesPerElement } from '../../../main/engine/checkpoint/safetensors-dtype.ts';
import { denseFormat } from '../../../main/engine/export/dense.ts';
import type { ExportFormat } from '../../../main/engine/export/export-format.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { randomExport, readEverything, writePacked } from './packed-folder.ts';

const CASES = 200;

const work = await mkdtemp(join(tmpdir(), 'claq-packed-'));
afterAll(() => rm(work, { recursive: true, force: true }));

async function inFolder<T>(action: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(work, 'case-'));
  try {
    return await action(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function writeFormat(format: ExportFormat, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const file of format.files) await file.write(folder, () => undefined);
  await format.writeSmallFiles(folder);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function weightFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.safetensors')).sort();
}

/** SHA-256 of all tensors with their names, files, dtypes and shapes. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const checkpoint = await openCheckpoint(folder);
  const content: Record<string, string> = {};
  for (const { name, dtype, shape, file } of [
    ...checkpoint.tensors.values(),
    ...checkpoint.extras.values(),
  ]) {
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = await checkpoint.readBytes(name, 0, bytesPerElement(dtype) * count);
    content[name] = `${file} ${dtype} ${shape.join('x')} ${sha256(bytes)}`;
  }
  await checkpoint.close();
  return content;
}

describe('a packed model', () => {
  it(`of any shape and budget is read as it was written (${CASES} models)`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), (seed) =>
        inFolder(async (folder) => {
          const request = await randomExport(seed, folder);
          const format = await packedFormat(request);
          await writePacked(request, join(folder, 'packed'));
          const report = await format.verify(join(folder, 'packed'), {});
          expect(report.maxRounding).toBe(0);
          expect(report.tensors).toBe(format.files.reduce((sum, { tensors }) => sum + tensors, 0));
          for (const { name, bytes } of format.files) {
            expect((await readFile(join(folder, 'packed', name))).length).toBe(bytes);
          }
          await request.checkpoint.close();
        }),
      ),
      { numRuns: CASES },
    );
  });

  it('gives the same dense model as the run that it was made of, byte for byte', async () => {
    for (let seed = 0; seed < 20; seed++) {
      await inFolder(async (folder) => {
        const request = await randomExport(seed, folder);
        const packed = join(folder, 'packed');
        await writePacked(request, packed);
        const ofRun = denseFormat({ ...request, dtype: 'source' });
        const checkpoint = await openCheckpoint(packed);
        expect(checkpoint.quantized).toEqual({ format: 'packed' });
        const ofPacked = denseFormat({
          checkpoint,
          dtype: 'source',
          quantized: () => Promise.resolve(undefined),
        });
        for (const [name, format] of [
          ['run', ofRun],
          ['packed', ofPacked],
        ] as const) {
          await writeFormat(format, join(folder, `dense-${name}`));
        }
        expect(await contentOf(join(folder, 'dense-packed'))).toEqual(
          await contentOf(join(folder, 'dense-run')),
        );
        await checkpoint.close();
        await request.checkpoint.close();
      });
    }
  });

  it('is the same bytes each time', async () => {
    const folder = await temporaryFolder();
    const request = await randomExport(11, folder);
    await writePacked(request, join(folder, 'a'));
    await writePacked(request, join(folder, 'b'));
    for (const name of await readdir(join(folder, 'a'))) {
      const bytes = async (of: string): Promise<string> => sha256(await readFile(join(folder, of, name)));
      expect(await bytes('a')).toBe(await bytes('b'));
    }
    await request.checkpoint.close();
  });

  it(`is refused wherever a byte of its weights has changed (${CASES} places)`, async () => {
    const folder = await temporaryFolder();
    const models = await Promise.all(
      Array.from({ length: 8 }, async (_, seed) => {
        const request = await randomExport(seed, join(folder, String(seed)));
        await writePacked(request, join(folder, String(seed), 'packed'));
        await request.checkpoint.close();
        return join(folder, String(seed), 'packed');
      }),
    );
    const damage = fc.record({
      model: fc.constantFrom(...models),
      file: fc.nat(),
      place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      // Half of the changes in the header and what lies next to it, which is a small part of a real file.
      inHeader: fc.boolean(),
      change: fc.oneof(
        fc.record({ kind: fc.constant('flip' as const), bits: fc.integer({ min: 1, max: 255 }) }),
        fc.record({ kind: fc.constant('cut' as const), bits: fc.constant(0) }),
        fc.record({ kind: fc.constant('insert' as const), bits: fc.nat(255) }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ model, file, place, inHeader, change }) => {
        const names = await weightFiles(model);
        const path = join(model, names[file % names.length] ?? '');
        const good = await readFile(path);
        const header = 8 + Number(good.readBigUInt64LE(0));
        const at = Math.floor(place * (inHeader ? header : good.length));
        await writeFile(path, damaged(good, at, change));
        try {
          const error = await openPacked(model).then(
            async (checkpoint) => {
              try {
                await readEverything(checkpoint);
                return undefined;
              } catch (thrown) {
                return thrown;
              } finally {
                await checkpoint.close();
              }
            },
            (thrown: unknown) => thrown,
          );
          expect(error).toBeInstanceOf(ClaqError);
        } finally {
          await writeFile(path, good);
        }
      }),
      { numRuns: CASES },
    );
    for (const model of models) await (await openPacked(model)).close();
  });
});

function damaged(
  good: Buffer,
  at: number,
  { kind, bits }: { kind: 'flip' | 'cut' | 'insert'; bits: number },
): Buffer {
  if (kind === 'cut') return good.subarray(0, at);
  if (kind === 'insert') return Buffer.concat([good.subarray(0, at), Buffer.of(bits), good.subarray(at)]);
  const copy = Buffer.from(good);
  copy[at] = (copy[at] ?? 0) ^ bits;
  return copy;
}
