/** Matrices given as codes, and the same ones given as weights: the files must be the same, and each must pass the check of the other. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { denseFormat } from '../../../main/engine/export/dense.ts';
import type { Replacements } from '../../../main/engine/export/dense-tensors.ts';
import type { ExportFormat, TensorReport } from '../../../main/engine/export/export-format.ts';
import { ggufFormat } from '../../../main/engine/export/gguf/gguf-format.ts';
import { packedFormat } from '../../../main/engine/packed-model/packed-format.ts';
import { readMatrix } from '../../../main/engine/result/matrix-file.ts';
import { Random } from '../../oracle/random.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { quickRun, randomQuickMatrix } from '../packed-model/quick-run.ts';
import { smallLlama } from './gguf/small-llama.ts';
import { byteLevelDefinition } from './gguf/small-tokenizer.ts';

type MakeFormat = (
  run: Awaited<ReturnType<typeof quickRun>>,
  matrices: Replacements,
) => ExportFormat | Promise<ExportFormat>;

async function model(): Promise<Checkpoint> {
  const folder = await smallLlama({ vocabSize: 264, tokenizer: JSON.stringify(byteLevelDefinition()) });
  const checkpoint = await openCheckpoint(folder);
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

/** Returns the large files, one behind another, and what the check after the writing found. */
async function written(format: ExportFormat, folder: string): Promise<[Buffer, TensorReport]> {
  for (const file of format.files) await file.write(folder, () => undefined);
  await format.writeSmallFiles(folder);
  const report = await format.verify(folder, {});
  return [
    Buffer.concat(await Promise.all(format.files.map(({ name }) => readFile(join(folder, name))))),
    report,
  ];
}

describe('codes and weights', () => {
  it.each<[string, MakeFormat]>([
    ['dense F16', ({ checkpoint }, matrices) => denseFormat({ checkpoint, dtype: 'F16', ...matrices })],
    ['dense F32', ({ checkpoint }, matrices) => denseFormat({ checkpoint, dtype: 'F32', ...matrices })],
    [
      'GGUF F16',
      ({ checkpoint }, matrices) => ggufFormat({ checkpoint, type: 'F16', name: 'm', ...matrices }),
    ],
    [
      'GGUF Q8_0',
      ({ checkpoint }, matrices) => ggufFormat({ checkpoint, type: 'Q8_0', name: 'm', ...matrices }),
    ],
    ['packed', (run, matrices) => packedFormat({ ...run, ...matrices })],
  ])('give the same %s model', async (_, make) => {
    for (const seed of [1, 2]) {
      const random = new Random(seed);
      const run = await quickRun(await model(), join(await temporaryFolder(), 'matrices'), (weights, shape) =>
        randomQuickMatrix(random, weights, shape),
      );
      const { quantized } = run;
      const coded: Replacements['coded'] = async (name) => {
        const path = run.matrixFile(name);
        return path === undefined ? undefined : (await readMatrix(path)).matrix;
      };
      const [asWeights, asCodes] = [await make(run, { quantized }), await make(run, { quantized, coded })];
      const [[bytes, report], folder] = [
        await written(asWeights, await temporaryFolder()),
        await temporaryFolder(),
      ];
      const [codedBytes, codedReport] = await written(asCodes, folder);
      expect(codedBytes.equals(bytes)).toBe(true);
      expect(codedReport).toEqual(report);
      expect(await asWeights.verify(folder, {})).toEqual(report);
    }
  });
});
