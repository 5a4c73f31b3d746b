import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import {
  type AnalysedColumns,
  analyseMatrix,
  analyseModel,
} from '../../../main/engine/inspect/analyse-columns.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { ANALYSED_TAIL_SHARES, ANALYSED_WIDTHS } from '../../../shared/loss-profile.ts';
import { optimalClusters } from '../../oracle/kmeans.ts';
import { writeSmallModel } from '../checkpoint/small-model.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';

const DEMO = fileURLToPath(new URL('../../../resources/demo-model/model', import.meta.url));

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

describe('analyseMatrix', () => {
  it('finds the errors of optimal clusters of what is not reserved, as shares of the energy', async () => {
    const checkpoint = await openCheckpoint(DEMO);
    const used = pool.arena.used;
    const { block, kind, rows, columns, errors } = await analyseMatrix(pool, checkpoint, 2, 'o');
    expect({ block, kind, rows, columns }).toEqual({ block: 2, kind: 'o', rows: 192, columns: 192 });
    expect(pool.arena.used).toBe(used);
    const weights = await checkpoint.read('model.layers.2.self_attn.o_proj.weight');
    await checkpoint.close();
    expect(errors).toHaveLength(columns * ANALYSED_TAIL_SHARES.length * ANALYSED_WIDTHS.length);
    // 0.002 and 0.004 of 192 rows come to no entry and one, 0.014 and 0.028 to three and five.
    const tails = [0, 0, 1, 2, 3, 5];
    for (const column of [0, 77, 191]) {
      const sorted = weights.filter((_, cell) => cell % columns === column).sort();
      const energy = sorted.reduce((sum, weight) => sum + weight * weight, 0);
      for (const [t, tail] of tails.entries()) {
        const kept = sorted.subarray(tail, rows - tail);
        for (const [w, width] of ANALYSED_WIDTHS.entries()) {
          const at = (column * tails.length + t) * ANALYSED_WIDTHS.length + w;
          const ratio = ((errors[at] ?? NaN) * energy) / optimalClusters(kept, 2 ** width).error;
          expect(ratio).toBeGreaterThan(1 - 1e-6);
          // Estimates of 32 clusters in 96 bins are the furthest off.
          expect(ratio).toBeLessThan(width < 5 ? 1.06 : 1.25);
        }
      }
    }
  });
});

describe('analyseModel', () => {
  it('analyses every matrix that is not known; a column of zeros has no error', async () => {
    const folder = await writeSmallModel(await temporaryFolder(), {
      dtype: 'BF16',
      change: (tensors) => {
        const tensor = tensors.find(({ name }) => name === 'model.layers.1.mlp.down_proj.weight');
        // 8 x 12: column 5 becomes zero.
        for (let row = 0; row < 8; row++)
          tensor?.bytes.set(encodeFloats('BF16', Float32Array.of(0)), (row * 12 + 5) * 2);
        return tensors;
      },
    });
    const checkpoint = await openCheckpoint(folder);
    const analysed: AnalysedColumns[] = [];
    await analyseModel(pool, checkpoint, {
      skip: ({ block, kind }) => block === 0 || kind === 'q',
      onMatrix: (each) => void analysed.push(each),
    });
    await checkpoint.close();
    expect(analysed.map(({ block, kind }) => [block, kind])).toEqual(
      ['k', 'v', 'o', 'gate', 'up', 'down'].map((kind) => [1, kind]),
    );
    const cells = ANALYSED_TAIL_SHARES.length * ANALYSED_WIDTHS.length;
    const errors = analysed.at(-1)?.errors ?? new Float32Array();
    expect(errors.subarray(5 * cells, 6 * cells)).toEqual(new Float32Array(cells));
    expect(errors[4 * cells]).toBeGreaterThan(0);
  });
});
