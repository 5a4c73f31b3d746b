import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import type { FloatDtype } from '../../../main/engine/checkpoint/safetensors-dtype.ts';
import {
  type MeasuredColumns,
  type MeasureOptions,
  measureMatrix,
  measureModel,
} from '../../../main/engine/inspect/measure-columns.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { MATRIX_KINDS, matrixName, matrixShape } from '../../../shared/model.ts';
import { OUTLIER_LEVELS } from '../../../shared/outlier-levels.ts';
import type { Progress } from '../../../shared/progress.ts';
import { plainStatistics } from '../../oracle/column-statistics.ts';
import { type SmallTensor, writeSmallModel } from '../checkpoint/small-model.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { thrownBy } from '../checkpoint/thrown.ts';
import { expectGolden } from './golden-statistics.ts';

const DEMO = fileURLToPath(new URL('../../../resources/demo-model/model', import.meta.url));

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

async function measureFolder(
  folder: string,
  options: Omit<MeasureOptions, 'onMatrix'> = {},
): Promise<MeasuredColumns[]> {
  const checkpoint = await openCheckpoint(folder);
  const measured: MeasuredColumns[] = [];
  const used = pool.arena.used;
  try {
    await measureModel(pool, checkpoint, { ...options, onMatrix: (each) => void measured.push(each) });
  } finally {
    expect(pool.arena.used).toBe(used);
    await checkpoint.close();
  }
  return measured;
}

async function smallFolder(dtype: FloatDtype, change?: (tensors: SmallTensor[]) => void): Promise<string> {
  return await writeSmallModel(await temporaryFolder(), {
    dtype,
    change: (tensors) => {
      change?.(tensors);
      return tensors;
    },
  });
}

describe('measureModel', () => {
  it("finds what numpy finds in the demo model's columns", async () => {
    const measured = await measureFolder(DEMO);
    expect(measured).toHaveLength(42);
    await expectGolden('demo-model', measured);
  });

  it.each(['F16', 'BF16', 'F32'] as const)('measures every matrix of %s, block by block', async (dtype) => {
    const folder = await smallFolder(dtype);
    const measured = await measureFolder(folder);
    expect(measured.map(({ block, kind }) => [block, kind])).toEqual(
      [0, 1].flatMap((block) => MATRIX_KINDS.map((kind) => [block, kind])),
    );
    const checkpoint = await openCheckpoint(folder);
    for (const { block, kind, ...found } of measured) {
      const weights = await checkpoint.read(`${matrixName(block, kind)}.weight`);
      const shape = matrixShape(checkpoint.model, kind);
      const { energies, means, variances, ...plain } = plainStatistics(weights, shape, OUTLIER_LEVELS);
      expect(found).toMatchObject({ ...shape, ...plain, sValues: OUTLIER_LEVELS });
      expect(found.energies).toEqual(Float32Array.from(energies));
      expect(found.means).toEqual(Float32Array.from(means));
      for (const [column, variance] of variances.entries()) {
        expect(found.variances[column]).toBeCloseTo(variance, 6);
      }
      expect(found.maxMagnitude).toBe(Math.max(...plain.maxima));
      expect(await measureMatrix(pool, checkpoint, block, kind)).toEqual({ block, kind, ...found });
    }
    await checkpoint.close();
  });

  it('leaves out what is known, and counts it as done', async () => {
    const heard: Progress[] = [];
    const measured = await measureFolder(await smallFolder('F16'), {
      skip: ({ block, kind }) => block === 0 || kind === 'q',
      onProgress: (progress) => heard.push(progress),
    });
    expect(measured.map(({ block, kind }) => [block, kind])).toEqual(
      ['k', 'v', 'o', 'gate', 'up', 'down'].map((kind) => [1, kind]),
    );
    expect(heard.map(({ done, total }) => [done, total])).toEqual(
      [8, 9, 10, 11, 12, 13, 14].map((done) => [done, 14]),
    );
    expect(heard[0]).toEqual({
      phase: 'Looking for outliers',
      done: 8,
      total: 14,
      unit: 'matrices',
      detail: 'model.layers.1.self_attn.k_proj',
    });
  });

  it('does nothing where everything is known', async () => {
    expect(await measureFolder(await smallFolder('F32'), { skip: () => true })).toEqual([]);
  });

  it.each(['F16', 'BF16', 'F32'] as const)('says where a weight of %s is not a number', async (dtype) => {
    const name = 'model.layers.1.mlp.up_proj.weight';
    const folder = await smallFolder(dtype, (tensors) => {
      const tensor = tensors.find((each) => each.name === name);
      const size = dtype === 'F32' ? 4 : 2;
      tensor?.bytes.set(encodeFloats(dtype, Float32Array.of(NaN)), (3 * 8 + 5) * size);
    });
    const heard: Progress[] = [];
    const error = await thrownBy(() => measureFolder(folder, { onProgress: (each) => heard.push(each) }));
    expect(error.code).toBe('weights/not-finite');
    expect(error.where).toContain(`${name}, [row, column] [3, 5]`);
    expect(heard.at(-1)?.done).toBe(12);
  });

  it('stops between two matrices when it is called off', async () => {
    const controller = new AbortController();
    const cancelled = measureFolder(await smallFolder('F16'), {
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 3) controller.abort();
      },
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'run/cancelled' });
  });
});
