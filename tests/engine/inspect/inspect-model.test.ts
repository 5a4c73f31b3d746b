import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TensorEntry } from '../../../main/engine/checkpoint/checkpoint.ts';
import { encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { inspectCheckpoint } from '../../../main/engine/inspect/inspect-model.ts';
import type { MatrixSource } from '../../../main/engine/inspect/stored-matrix.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { MATRIX_KINDS, matrixName, matrixShape } from '../../../shared/model.ts';
import type { Progress } from '../../../shared/progress.ts';
import { llamaOf } from '../../known-models.ts';

const MODEL = llamaOf({
  hiddenSize: 20,
  ffnSize: 30,
  blocks: 2,
  heads: 2,
  kvHeads: 1,
  vocabSize: 100,
  contextLength: 64,
});

/** Every weight is 1, but layer 1's k (10 x 20) has three of 50 in column 7 and one in column 3. */
function sourceOfOnes(): MatrixSource {
  const values = new Map<string, Float32Array>();
  const tensors = new Map<string, TensorEntry>();
  for (let block = 0; block < MODEL.blocks; block++) {
    for (const kind of MATRIX_KINDS) {
      const { rows, columns } = matrixShape(MODEL, kind);
      const name = `${matrixName(block, kind)}.weight`;
      values.set(name, new Float32Array(rows * columns).fill(1));
      tensors.set(name, { name, dtype: 'F32', shape: [rows, columns], file: 'ones' });
    }
  }
  const k = values.get('model.layers.1.self_attn.k_proj.weight');
  for (const [row, column] of [
    [0, 7],
    [4, 7],
    [9, 7],
    [2, 3],
  ] as const)
    k?.fill(50, row * 20 + column, row * 20 + column + 1);
  const read = async (name: string): Promise<Float32Array> => {
    const found = values.get(name);
    if (found === undefined) throw new Error(`no tensor ${name}`);
    return Promise.resolve(found);
  };
  return {
    folder: 'ones',
    model: MODEL,
    tensors,
    read,
    readInto: async (name, target) => {
      target.set(encodeFloats('F32', await read(name)));
    },
  };
}

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 1 });
});
afterAll(() => pool.stop());

describe('inspectCheckpoint', () => {
  it('reduces a matrix to its ratio, its curve and its top columns', async () => {
    const inspection = await inspectCheckpoint(pool, sourceOfOnes(), { sValues: [13, 3, 13] });
    expect(inspection.sValues).toEqual([3, 13]);
    expect(inspection.tieRule).toBe('max-weight');
    expect(inspection.matrices.map(({ name }) => name)).toContain('model.layers.0.mlp.down_proj');
    // The mean is (196 + 4 * 50) / 200 = 1.98; 13 times it is 25.74.
    expect(inspection.matrices.find(({ block, kind }) => block === 1 && kind === 'k')).toEqual({
      block: 1,
      kind: 'k',
      name: 'model.layers.1.self_attn.k_proj',
      rows: 10,
      columns: 20,
      meanMagnitude: 1.98,
      maxMagnitude: 50,
      levels: [3, 13].map((s) => ({
        s,
        outliers: 4,
        ratio: 0.02,
        columnsWithAny: 2,
        // 1 % and 5 % of 20 columns are one column, 10 % are two.
        topShares: [0.75, 0.75, 1],
        curve: { ranks: [0, 1, 2, 19], outliers: [3, 1, 0, 0] },
        top: { columns: [7, 3], outliers: [3, 1] },
      })),
    });
  });

  it('reports each matrix before it is measured and the end', async () => {
    const heard: Progress[] = [];
    await inspectCheckpoint(pool, sourceOfOnes(), {
      sValues: [13],
      onProgress: (progress) => heard.push(progress),
    });
    expect(heard.map(({ done }) => done)).toEqual(Array.from({ length: 15 }, (_, done) => done));
    expect(heard[8]).toEqual({
      phase: 'Looking for outliers',
      done: 8,
      total: 14,
      unit: 'matrices',
      detail: 'model.layers.1.self_attn.k_proj',
    });
  });

  it('stops between two matrices when it is called off', async () => {
    const controller = new AbortController();
    const heard: number[] = [];
    const cancelled = inspectCheckpoint(pool, sourceOfOnes(), {
      sValues: [13],
      signal: controller.signal,
      onProgress: ({ done }) => {
        heard.push(done);
        if (done === 3) controller.abort();
      },
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'run/cancelled' });
    expect(heard).toEqual([0, 1, 2, 3]);
  });
});
