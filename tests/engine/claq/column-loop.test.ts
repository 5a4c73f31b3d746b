import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_WIDTH } from '../../../shared/budget.ts';
import { type QuantizedMatrix, dequantize } from '../../../main/engine/claq/quantized-matrix.ts';
import { uniformGrid } from '../../../main/engine/claq/uniform-grid.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { codebookQuantizer, gridQuantizer, reservedRows } from '../../oracle/column-quantizers.ts';
import {
  type ColumnQuantizer,
  type OracleResult,
  type PreparedHessian,
  gptq,
  lossOf,
  prepareHessian,
} from '../../oracle/gptq.ts';
import { type Matrix, matrixOf } from '../../oracle/linear-algebra.ts';
import { Random, randomHessian } from '../../oracle/random.ts';
import { fingerprint } from './fingerprint.ts';
import { type LoopCase, PERCDAMP, everyColumn, quantize, quantizeTogether, randomCase } from './loop-case.ts';

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

function weightsOf({ rows, columns, weights }: LoopCase): Matrix {
  return matrixOf(rows, columns, weights);
}

const actOrdered = new WeakMap<Matrix, PreparedHessian>();
const inOwnOrder = new WeakMap<Matrix, PreparedHessian>();

/** Inverting takes most of the oracle's time: once for each Hessian. */
function prepared({ hessian }: LoopCase, actOrder: boolean): PreparedHessian {
  const known = actOrder ? actOrdered : inOwnOrder;
  const result = known.get(hessian) ?? prepareHessian(hessian, PERCDAMP, actOrder);
  known.set(hessian, result);
  return result;
}

function oracle(one: LoopCase, quantizer: ColumnQuantizer, actOrder = true): OracleResult {
  return gptq(weightsOf(one), prepared(one, actOrder), quantizer);
}

/** tr((W - Q) H (W - Q)^T) / 2 of what the kernels made, in float64. */
function lossOfResult(one: LoopCase, matrix: QuantizedMatrix, actOrder = true): number {
  const quantized = matrixOf(one.rows, one.columns, dequantize(matrix));
  return lossOf(weightsOf(one), quantized, prepared(one, actOrder));
}

/** All columns of a plan of mixed widths and tails. */
function mixedCase(random: Random, rows: number, columns: number, widths: readonly number[]): LoopCase {
  const one = randomCase(random, rows, columns, 2);
  const most = Math.floor(rows / 8);
  return {
    ...one,
    plan: {
      widths: Uint8Array.from({ length: columns }, (_, column) => widths[column % widths.length] ?? 0),
      reservedLow: Int32Array.from({ length: columns }, () => random.between(0, most)),
      reservedHigh: Int32Array.from({ length: columns }, () => random.between(0, most)),
    },
  };
}

/** What holds of every result, whatever the weights. */
function checkResult(one: LoopCase, matrix: QuantizedMatrix): void {
  const { rows, columns, plan } = one;
  const { levels, reservedStart } = matrix;
  expect([matrix.rows, matrix.columns, matrix.widths]).toEqual([rows, columns, plan.widths]);
  if (levels.kind !== 'codebook') throw new Error('expected codebooks');
  expect(levels.centroids).toEqual(Float32Array.from(Float16Array.from(levels.centroids)));
  expect(matrix.reservedValues).toEqual(Float32Array.from(Float16Array.from(matrix.reservedValues)));
  const weights = dequantize(matrix);
  for (let column = 0; column < columns; column++) {
    const size = 2 ** (plan.widths[column] ?? 0);
    const codebook = levels.centroids.subarray(levels.start[column], levels.start[column + 1]);
    expect(codebook).toHaveLength(size);
    expect(codebook).toEqual(codebook.toSorted());
    const reserved = matrix.reservedRows.subarray(reservedStart[column], reservedStart[column + 1]);
    expect(reserved).toHaveLength((plan.reservedLow[column] ?? 0) + (plan.reservedHigh[column] ?? 0));
    expect(reserved).toEqual(Int32Array.from(new Set(reserved)).sort());
    const codes = matrix.codes.subarray(column * rows, (column + 1) * rows);
    for (const [row, code] of codes.entries()) {
      const place = reserved.indexOf(row);
      if (code >= size || (place >= 0 && code !== 0)) throw new Error(`code ${code} at ${row}, ${column}`);
      const expected =
        place >= 0 ? matrix.reservedValues[(reservedStart[column] ?? 0) + place] : codebook[code];
      if (weights[row * columns + column] !== expected) throw new Error(`weight at ${row}, ${column}`);
    }
  }
}

/** Share of the entries at which two results differ by more than the last place of a half. */
function shareThatDiffers(found: Float32Array, expected: Matrix): number {
  const differs = (q: number, e: number): boolean => Math.abs(q - e) > 2 ** -10 * Math.abs(e) + 1e-6;
  const count = found.filter((q, cell) => differs(q, expected.values[cell] ?? NaN)).length;
  return count / found.length;
}

describe('against GPTQ in float64 with optimal codebooks', () => {
  const random = new Random(11);
  const cases: readonly (readonly [name: string, one: LoopCase])[] = [
    ['whole strips, panels and blocks', randomCase(random, 64, 96, 2)],
    ['rows and columns that fill nothing', randomCase(random, 37, 101, 3)],
    ['one row', randomCase(random, 1, 13, 1)],
    ['one column', randomCase(random, 50, 1, 2)],
    ['three blocks, mixed widths and tails', mixedCase(random, 40, 200, [2, 4, 3])],
    ['all widths', mixedCase(random, 90, 64, [1, 2, 3, 4, 5, 6, 7, 8])],
    ['more centroids than rows', randomCase(random, 7, 100, MAX_WIDTH)],
  ];
  for (const [name, one] of cases) {
    // Up to 128 values the kernels take every value by itself, so only roundings differ. Where one moves an entry across a
    // midpoint, the later entries of its row follow: hence 2 % of the entries.
    it.each(['kept', 'all'] as const)(`${name}, fit on %s: the same matrix`, async (codebookFit) => {
      const matrix = await quantize(pool, one, { codebookFit });
      checkResult(one, matrix);
      const expected = oracle(one, codebookQuantizer(one.plan, codebookFit));
      expect(shareThatDiffers(dequantize(matrix), expected.quantized)).toBeLessThan(0.02);
      expect(Math.abs(matrix.loss - expected.loss)).toBeLessThan(1e-3 * expected.loss);
      expect(Math.abs(matrix.loss - lossOfResult(one, matrix))).toBeLessThan(1e-4 * matrix.loss);
    });
  }

  it.each(['kept', 'all'] as const)(
    'columns cut into bins, fit on %s: the loss within 1 percent',
    async (fit) => {
      const one = mixedCase(new Random(12), 400, 30, [1, 2, 3, 4]);
      const matrix = await quantize(pool, one, { codebookFit: fit });
      checkResult(one, matrix);
      const expected = oracle(one, codebookQuantizer(one.plan, fit));
      expect(Math.abs(matrix.loss - expected.loss)).toBeLessThan(0.01 * expected.loss);
      expect(Math.abs(matrix.loss - lossOfResult(one, matrix))).toBeLessThan(1e-4 * matrix.loss);
    },
  );

  it('takes columns in their own order where asked to', async () => {
    const one = randomCase(new Random(13), 40, 110, 3);
    const matrix = await quantize(pool, one, { actOrder: false });
    const expected = oracle(one, codebookQuantizer(one.plan, 'kept'), false);
    expect(shareThatDiffers(dequantize(matrix), expected.quantized)).toBeLessThan(0.02);
    expect(Math.abs(matrix.loss - lossOfResult(one, matrix, false))).toBeLessThan(1e-4 * matrix.loss);
  });

  it('makes dead columns zero', async () => {
    const dead = [0, 17, 95, 96, 99];
    const generator = new Random(14);
    const one = { ...randomCase(generator, 40, 100, 3), hessian: randomHessian(generator, 100, dead) };
    const matrix = await quantize(pool, one);
    checkResult(one, matrix);
    const weights = dequantize(matrix);
    for (const column of dead) {
      for (let row = 0; row < one.rows; row++) expect(weights[row * one.columns + column]).toBe(0);
    }
    const expected = oracle(one, codebookQuantizer(one.plan, 'kept'));
    expect(Math.abs(matrix.loss - expected.loss)).toBeLessThan(1e-3 * expected.loss);
    expect(Math.abs(matrix.loss - lossOfResult(one, matrix))).toBeLessThan(1e-4 * matrix.loss);
  });
});

/** A column alone: nothing to compensate, so the column itself is what is quantized. */
function columnCase(values: Float32Array, plan: LoopCase['plan']): LoopCase {
  return {
    rows: values.length,
    columns: 1,
    weights: values,
    hessian: matrixOf(1, 1, [1]),
    plan,
  };
}

describe('reservation', () => {
  async function reservedOf(values: readonly number[], low: number, high: number): Promise<number[]> {
    const one = columnCase(Float32Array.from(values), everyColumn(1, 1, low, high));
    const matrix = await quantize(pool, one);
    checkResult(one, matrix);
    return [...matrix.reservedRows];
  }

  it('takes the extreme entries of both tails', async () => {
    expect(await reservedOf([3, -5, 1, 0, 9, -7, 2, 8, 4], 2, 2)).toEqual([1, 4, 5, 7]);
    expect(await reservedOf([3, -5, 1, 0, 9, -7, 2, 8, 4], 1, 0)).toEqual([5]);
    expect(await reservedOf([3, -5, 1, 0, 9, -7, 2, 8, 4], 0, 3)).toEqual([4, 7, 8]);
  });

  it('takes the upper rows among equals', async () => {
    expect(await reservedOf([2, 5, 5, 1, 5, 5], 0, 2)).toEqual([1, 2]);
    expect(await reservedOf([2, -5, 7, -5, 1, -5], 2, 1)).toEqual([1, 2, 3]);
  });

  it('takes exactly as many of a constant column as it should', async () => {
    expect(await reservedOf(new Array<number>(11).fill(0.25), 3, 2)).toEqual([0, 1, 2, 3, 4]);
  });

  it('takes a zero of either sign as zero', async () => {
    expect(await reservedOf([0, -0, 1, -0, 0, 2], 3, 1)).toEqual([0, 1, 3, 5]);
  });

  it('leaves nothing to the code where the tails meet', async () => {
    expect(await reservedOf([4, 1, 3, 2], 2, 2)).toEqual([0, 1, 2, 3]);
  });

  it('agrees with sorting, over columns with many ties', async () => {
    const random = new Random(15);
    for (let round = 0; round < 40; round++) {
      const rows = random.between(1, 60);
      const values = random.floats(rows, () => random.between(-6, 6) / 4);
      const low = random.between(0, Math.floor(rows / 2));
      const high = random.between(0, rows - low);
      const found = await reservedOf([...values], low, high);
      expect(found).toEqual([...reservedRows(values, low, high)].sort((a, b) => a - b));
    }
  });

  it('keeps values as halves, the largest one for what is beyond it', async () => {
    const one = columnCase(Float32Array.of(1 / 3, 70_000, 0.5, -70_000, 1e-7, 0.5), everyColumn(1, 2, 1, 1));
    const matrix = await quantize(pool, one);
    expect([...matrix.reservedValues]).toEqual([65_504, -65_504]);
    expect([...dequantize(matrix)].slice(0, 3)).toEqual([Math.fround(0.333251953125), 65_504, 0.5]);
  });
});

describe('columns of few distinct values', () => {
  it.each([
    ['all zero', [0, 0, 0, 0, 0]],
    ['constant', [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]],
    ['two values', [0.5, -0.25, 0.5, 0.5, -0.25]],
    ['as many as centroids', [1, 2, 3, 4, 4, 3, 2, 1, 1]],
  ])('%s: every entry is met exactly', async (_, values) => {
    const weights = Float32Array.from(Float16Array.from(values));
    const one = columnCase(weights, everyColumn(1, 2));
    const matrix = await quantize(pool, one);
    checkResult(one, matrix);
    expect(dequantize(matrix)).toEqual(weights);
    expect(matrix.loss).toBe(0);
  });

  it('a long column of a few values, cut into bins, too', async () => {
    const random = new Random(16);
    const weights = random.floats(5000, () => random.between(-7, 8) / 8);
    const one = columnCase(weights, everyColumn(1, 4));
    const matrix = await quantize(pool, one);
    checkResult(one, matrix);
    expect(dequantize(matrix)).toEqual(weights);
  });
});

describe('baselines on a uniform grid', () => {
  const random = new Random(17);
  function gridCase(width: number, groupSize: number): LoopCase {
    const one = randomCase(random, 45, 110, width);
    return { ...one, grid: uniformGrid(one.weights, one.rows, one.columns, width, groupSize) };
  }

  it.each([
    [2, 110],
    [3, 32],
    [4, 110],
    [8, 64],
  ])('GPTQ at %i bits, groups of %i: the same matrix as in float64', async (width, groupSize) => {
    const one = gridCase(width, groupSize);
    const matrix = await quantize(pool, one);
    const quantizer = gridQuantizer(weightsOf(one), width, groupSize);
    const expected = oracle(one, quantizer);
    expect(shareThatDiffers(dequantize(matrix), expected.quantized)).toBeLessThan(0.02);
    expect(Math.abs(matrix.loss - expected.loss)).toBeLessThan(1e-3 * expected.loss);
    expect(Math.abs(matrix.loss - lossOfResult(one, matrix))).toBeLessThan(1e-4 * matrix.loss);
    expect(Math.max(...matrix.codes)).toBeLessThan(2 ** width);
  });

  it('round-to-nearest takes every column as it is', async () => {
    const one = gridCase(4, 110);
    const matrix = await quantize(pool, one, { compensate: false });
    const quantizer = gridQuantizer(weightsOf(one), 4, 110);
    const { values } = weightsOf(one);
    const expected = new Float64Array(values.length);
    for (let column = 0; column < one.columns; column++) {
      const current = Float64Array.from(
        { length: one.rows },
        (_, row) => values[row * one.columns + column] ?? 0,
      );
      for (const [row, q] of quantizer(current, column).entries()) expected[row * one.columns + column] = q;
    }
    expect(shareThatDiffers(dequantize(matrix), matrixOf(one.rows, one.columns, expected))).toBe(0);
    const gptqLoss = lossOfResult(one, await quantize(pool, one));
    expect(gptqLoss).toBeLessThan(0.9 * lossOfResult(one, matrix));
  });

  it('codebooks without compensation: the codebook of every original column', async () => {
    const one = randomCase(random, 60, 20, 2);
    const matrix = await quantize(pool, one, { compensate: false });
    const quantizer = codebookQuantizer(one.plan, 'kept');
    const found = dequantize(matrix);
    for (let column = 0; column < one.columns; column++) {
      const values = Float64Array.from(
        { length: one.rows },
        (_, row) => one.weights[row * one.columns + column] ?? 0,
      );
      const expected = quantizer(values, column);
      for (const [row, q] of expected.entries())
        expect(found[row * one.columns + column]).toBe(Math.fround(q));
    }
  });
});

describe('a group of matrices', () => {
  it('gives each what it gets alone', async () => {
    const random = new Random(18);
    const first = randomCase(random, 30, 120, 3);
    const others = [
      { ...mixedCase(random, 77, 120, [2, 4]), hessian: first.hessian },
      { ...randomCase(random, 8, 120, 8), hessian: first.hessian },
    ];
    const together = await quantizeTogether(pool, [first, ...others]);
    const alone = [];
    for (const one of [first, ...others]) alone.push(await quantize(pool, one));
    expect(together.map(fingerprint)).toEqual(alone.map(fingerprint));
  });
});
