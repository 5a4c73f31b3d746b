import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { inspectCheckpoint } from '../../../main/engine/inspect/inspect-model.ts';
import { MATRIX_KINDS, matrixName, matrixShape, type ModelDescription } from '../../../shared/model.ts';
import type { Progress } from '../../../shared/progress.ts';

const MODEL: ModelDescription = {
  family: 'llama',
  hiddenSize: 20,
  ffnSize: 30,
  blocks: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 10,
  vocabSize: 100,
  contextLength: 64,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10000,
  ropeScaling: { type: 'none' },
  tiedEmbeddings: true,
  qkvBias: false,
  oBias: false,
  mlpBias: false,
  qkNorm: false,
  slidingWindow: undefined,
};

/** Every weight is 1, but layer 1's k (10 x 20) has three of 50 in column 7 and one in column 3. */
function checkpointOfOnes(): Pick<Checkpoint, 'model' | 'read'> {
  const tensors = new Map<string, Float32Array>();
  for (let block = 0; block < MODEL.blocks; block++) {
    for (const kind of MATRIX_KINDS) {
      const { rows, columns } = matrixShape(MODEL, kind);
      tensors.set(`${matrixName(block, kind)}.weight`, new Float32Array(rows * columns).fill(1));
    }
  }
  const k = tensors.get('model.layers.1.self_attn.k_proj.weight');
  for (const [row, column] of [
    [0, 7],
    [4, 7],
    [9, 7],
    [2, 3],
  ] as const)
    k?.fill(50, row * 20 + column, row * 20 + column + 1);
  return {
    model: MODEL,
    read: (name) => {
      const tensor = tensors.get(name);
      return tensor === undefined ? Promise.reject(new Error(`no tensor ${name}`)) : Promise.resolve(tensor);
    },
  };
}

describe('inspectCheckpoint', () => {
  it('reduces a matrix to its ratio, its curve and its top columns', async () => {
    const inspection = await inspectCheckpoint(checkpointOfOnes(), { sValues: [13, 3, 13] });
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

  it('reports each matrix before it is read and the end', async () => {
    const heard: Progress[] = [];
    await inspectCheckpoint(checkpointOfOnes(), {
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
    const cancelled = inspectCheckpoint(checkpointOfOnes(), {
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
