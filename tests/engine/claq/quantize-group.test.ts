import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { budgetOfBits, planByOrder } from '../../../shared/budget.ts';
import { outlierOrder } from '../../../shared/outlier-order.ts';
import { Hessian } from '../../../main/engine/claq/hessian.ts';
import { type QuantizedMatrix, dequantize } from '../../../main/engine/claq/quantized-matrix.ts';
import {
  type GroupMatrix,
  type GroupResult,
  type GroupSettings,
  quantizeGroup,
} from '../../../main/engine/claq/quantize-group.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { measurePacked, packMatrix } from '../../../main/engine/result/packed-matrix.ts';
import { totalBytes } from '../../../shared/bits.ts';
import { COLUMNS, ROWS, losses, tiny } from '../../golden/tiny.ts';
import { lossOf, prepareHessian } from '../../oracle/gptq.ts';
import { matrixOf } from '../../oracle/linear-algebra.ts';
import { thrownBy } from '../checkpoint/thrown.ts';

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

const BUDGET = budgetOfBits(2.12);

const SETTINGS: GroupSettings = {
  method: 'claq',
  outlierS: 13,
  columnOrder: 'outlier',
  codebookFit: 'kept',
  groupSize: undefined,
  percdamp: 0.01,
  actOrder: true,
  seed: 1,
};

/** The small matrix, and its first rows as a matrix of its own that shares the inputs. */
const MATRICES: readonly Omit<GroupMatrix, 'budget'>[] = [
  { kind: 'q', name: 'q_proj', rows: ROWS, weights: tiny.f32('W') },
  { kind: 'k', name: 'k_proj', rows: 30, weights: tiny.f32('W').slice(0, 30 * COLUMNS) },
];

/** Choices other than SETTINGS, and another budget than BUDGET. */
type Choices = Partial<GroupSettings> & Partial<Pick<GroupMatrix, 'budget'>>;

async function group(
  { budget = BUDGET, ...settings }: Choices,
  h = tiny.f32('H'),
  signal?: AbortSignal,
): Promise<GroupResult[]> {
  const mark = pool.arena.mark();
  try {
    const hessian = new Hessian(pool, COLUMNS);
    hessian.load(h);
    const used = pool.arena.used;
    try {
      const matrices = MATRICES.map((matrix) => ({ ...matrix, budget }));
      return await quantizeGroup(pool, hessian, matrices, { ...SETTINGS, ...settings }, { signal });
    } finally {
      expect(pool.arena.used).toBe(used);
    }
  } finally {
    pool.arena.release(mark);
  }
}

async function first(settings: Choices): Promise<QuantizedMatrix> {
  const [result] = await group(settings);
  if (result === undefined) throw new Error('no result');
  return result.matrix;
}

function reservedCounts({ reservedStart }: QuantizedMatrix): number[] {
  return Array.from({ length: COLUMNS }, (_, c) => (reservedStart[c + 1] ?? 0) - (reservedStart[c] ?? 0));
}

function storedBytes(matrix: QuantizedMatrix): number {
  return totalBytes(measurePacked(packMatrix(matrix)));
}

const HESSIAN = matrixOf(COLUMNS, COLUMNS, tiny.f32('H'));
const DIAGONAL = Float64Array.from({ length: COLUMNS }, (_, i) => tiny.f32('H')[i * COLUMNS + i] ?? 0);

describe('quantizeGroup', () => {
  it('gives every matrix back under its name, with its outlier ratio', async () => {
    const results = await group({ outlierS: 7 });
    expect(results.map(({ kind, name, matrix, damping }) => [kind, name, matrix.rows, damping])).toEqual([
      ['q', 'q_proj', ROWS, 0.01],
      ['k', 'k_proj', 30, 0.01],
    ]);
    const outliers = tiny.i32('outlier_count_S7').reduce((sum, count) => sum + count, 0);
    expect(outliers).toBeGreaterThan(0);
    expect(results[0]?.outlierRatio).toBe(outliers / (ROWS * COLUMNS));
  });

  it.each([13, 7] as const)('follows the Outlier Order at S = %i, ties by diag(H)', async (outlierS) => {
    const matrix = await first({ outlierS });
    const counts = Uint32Array.from(tiny.i32(`outlier_count_S${outlierS}`));
    const { columns } = outlierOrder(counts, { rule: 'hessian-diagonal', values: DIAGONAL });
    const plan = planByOrder(columns, ROWS, BUDGET);
    expect(matrix.widths).toEqual(plan.widths);
    expect(reservedCounts(matrix)).toEqual(Array.from(plan.reservedLow, (count) => 2 * count));
    expect(matrix.loss).toBeLessThan(losses['2.12.intel'] ?? NaN);
  });

  it.each([2.12, 2.1, 3.12])('%d bits by benefit: a lower loss at no more stored bytes', async (bits) => {
    const budget = budgetOfBits(bits);
    const byOrder = await first({ budget });
    const byBenefit = await first({ budget, columnOrder: 'benefit' });
    expect(storedBytes(byBenefit)).toBeLessThanOrEqual(storedBytes(byOrder));
    expect(byBenefit.loss).toBeLessThan(byOrder.loss);
  });

  it('needs no order for a single precision', async () => {
    const budget = budgetOfBits(3);
    const [a, b] = [await first({ budget, columnOrder: 'benefit' }), await first({ budget })];
    expect(a.loss).toBe(b.loss);
    expect(a.widths).toEqual(new Uint8Array(COLUMNS).fill(3));
  });

  it('keeps as many entries as the released code where asked to work like it', async () => {
    const matrix = await first({ method: 'reference', codebookFit: 'all' });
    // 160 rows: 2 + 3 in the five columns of the head, 1 + 2 in the others.
    expect(reservedCounts(matrix).sort((a, b) => b - a)).toEqual([
      ...new Array<number>(5).fill(5),
      ...new Array<number>(43).fill(3),
    ]);
    // Its random start has a seed of its own.
    const other = await first({ method: 'reference', codebookFit: 'all', seed: 99 });
    expect(other.loss).toBe(matrix.loss);
  });

  it.each([undefined, 16])(
    'GPTQ beats round-to-nearest, both on a uniform grid (groups of %s)',
    async (size) => {
      const settings = { budget: budgetOfBits(3), groupSize: size };
      const weights = matrixOf(ROWS, COLUMNS, tiny.f32('W'));
      const prepared = prepareHessian(HESSIAN, 0.01, true);
      const found: number[] = [];
      for (const method of ['gptq', 'rtn'] as const) {
        const matrix = await first({ ...settings, method });
        expect(matrix.levels).toMatchObject({ kind: 'grid', groupSize: size ?? COLUMNS });
        expect(matrix.reservedRows).toHaveLength(0);
        found.push(lossOf(weights, matrixOf(ROWS, COLUMNS, dequantize(matrix)), prepared));
      }
      const [gptqLoss = NaN, rtnLoss = NaN] = found;
      expect(gptqLoss).toBeLessThan(rtnLoss);
    },
  );

  it('stops between its phases, and holds nothing', async () => {
    const controller = new AbortController();
    const run = group({}, undefined, controller.signal);
    // The factorization has begun.
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: 'run/cancelled' });
  });

  it('names the matrices whose inputs cannot be used', async () => {
    const h = tiny.f32('H').slice();
    h[0] = NaN;
    expect(await thrownBy(() => group({}, h))).toMatchObject({
      code: 'hessian/not-finite',
      where: 'q_proj, k_proj',
    });
  });
});
