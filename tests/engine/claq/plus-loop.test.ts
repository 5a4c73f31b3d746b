import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { couplingsOf } from '../../../main/engine/claq/couplings.ts';
import { quantizeColumns } from '../../../main/engine/claq/column-loop.ts';
import { emptyHessian } from '../../../main/engine/claq/accumulate-hessian.ts';
import { factorOnDevice } from '../../../main/engine/claq/device-factor.ts';
import { type HessianFactor, factorHessian } from '../../../main/engine/claq/factor.ts';
import { Hessian } from '../../../main/engine/claq/hessian.ts';
import type { ColumnLoopOptions, LoopInput } from '../../../main/engine/claq/loop-input.ts';
import { type QuantizedMatrix, dequantize } from '../../../main/engine/claq/quantized-matrix.ts';
import { divideRows, matrixScale, rowScales } from '../../../main/engine/claq/row-scales.ts';
import { float8Bytes } from '../../../main/engine/result/float8.ts';
import { type Engine, startEngine } from '../../../main/engine/start-engine.ts';
import { Random } from '../../oracle/random.ts';
import { TEST_ENGINE } from '../tensors/test-backend.ts';
import { fingerprint } from './fingerprint.ts';
import { DEFAULT_OPTIONS, type LoopCase, PERCDAMP, everyColumn, randomCase, trueLoss } from './loop-case.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ threads: 2, engine: TEST_ENGINE });
});
afterAll(() => engine.stop());

interface Asked extends Partial<ColumnLoopOptions> {
  readonly scaled?: boolean;
  readonly byteCodebooks?: boolean;
  readonly count?: number;
}

/** Through the loop, and through as many sweeps as `count` says. */
async function quantize(
  cases: readonly LoopCase[],
  { scaled, byteCodebooks, count = 0, ...options }: Asked,
): Promise<QuantizedMatrix[]> {
  const { pool } = engine;
  const [first] = cases;
  if (first === undefined) return [];
  const mark = pool.arena.mark();
  const hessian = emptyHessian(pool, first.columns);
  hessian.load(Float32Array.from(first.hessian.values));
  const whole = hessian.whole();
  const damping = { percdamp: PERCDAMP, actOrder: true, where: 'test' };
  const factor: HessianFactor =
    hessian.home === 'device'
      ? await factorOnDevice(hessian, damping)
      : await factorHessian(pool, hessian, damping);
  const couplings = couplingsOf(whole, factor);
  try {
    const inputs = cases.map(({ rows, weights, plan }): LoopInput => {
      if (scaled !== true) return { rows, weights, plan };
      const scales = rowScales(weights, rows);
      return { rows, plan, weights: divideRows(weights, scales), rowScales: scales, byteCodebooks };
    });
    const sweeps = count === 0 ? undefined : { count, couplings };
    return await quantizeColumns(pool, factor, inputs, { ...DEFAULT_OPTIONS, ...options, sweeps });
  } finally {
    couplings.dispose();
    whole.dispose();
    if (factor.home === 'device') factor.dispose();
    pool.arena.release(mark);
  }
}

/** One column by itself, as the loop is given it. */
async function quantizeInput(
  input: LoopInput,
  options: Partial<ColumnLoopOptions>,
): Promise<QuantizedMatrix> {
  const { pool } = engine;
  const mark = pool.arena.mark();
  const hessian = new Hessian(pool, 1);
  hessian.load(Float32Array.of(1));
  try {
    const factor = await factorHessian(pool, hessian, { percdamp: PERCDAMP, actOrder: true, where: 'test' });
    const [matrix] = await quantizeColumns(pool, factor, [input], { ...DEFAULT_OPTIONS, ...options });
    if (matrix === undefined) throw new Error('no matrix came back');
    return matrix;
  } finally {
    pool.arena.release(mark);
  }
}

async function quantizeOne(one: LoopCase, asked: Asked): Promise<QuantizedMatrix> {
  const [matrix] = await quantize([one], asked);
  if (matrix === undefined) throw new Error('no matrix came back');
  return matrix;
}

/** Rows of very different sizes, columns of mixed widths with reserved entries. */
function unevenCase(seed: number, rows = 72, columns = 200): LoopCase {
  const random = new Random(seed);
  const one = randomCase(random, rows, columns, 2);
  const sizes = random.floats(rows, () => Math.exp(random.between(-2, 2)));
  return {
    ...one,
    weights: one.weights.map((weight, cell) => weight * (sizes[Math.floor(cell / columns)] ?? 1)),
    plan: {
      widths: Uint8Array.from({ length: columns }, (_, column) => 1 + (column % 3)),
      reservedLow: Int32Array.from({ length: columns }, (_, column) => column % 3),
      reservedHigh: Int32Array.from({ length: columns }, (_, column) => (column + 1) % 2),
    },
  };
}

describe('codebooks in bytes', () => {
  it('have float8 centroids up to 4 bits, which codes are chosen by, in the loop and in sweeps', async () => {
    const one = unevenCase(4);
    const widths = Uint8Array.from(one.plan.widths, (_, column) => 1 + (column % 6));
    const wide = { ...one, plan: { ...one.plan, widths } };
    for (const count of [0, 2]) {
      const halves = await quantizeOne(wide, { scaled: true, count });
      const bytes = await quantizeOne(wide, { scaled: true, count, byteCodebooks: true });
      if (bytes.levels.kind !== 'codebook') throw new Error('no codebooks');
      const { start, centroids, byteCodebooks } = bytes.levels;
      expect(byteCodebooks).toBe(true);
      for (const [column, width] of widths.entries()) {
        const book = centroids.subarray(start[column], start[column + 1]);
        expect(book).toEqual(book.toSorted());
        if (width <= 4) expect(() => float8Bytes(book), `${width} bits`).not.toThrow();
        else expect(() => float8Bytes(book), `${width} bits`).toThrow(RangeError);
      }
      expect(bytes.loss / trueLoss(wide, bytes)).toBeCloseTo(1, 3);
      // Few columns of 72 rows: the roundings are seen, but do little.
      expect(bytes.loss).toBeLessThan(1.1 * halves.loss);
    }
  });

  it('round to nearest, ties to even, and hold what is larger than the largest', async () => {
    // One column of two values, each its own centroid: scaled by 1, so they are what is rounded.
    const rounded = async (...values: readonly [number, number]): Promise<readonly number[]> => {
      const rows = 8;
      const weights = Float32Array.from({ length: rows }, (_, row) => values[row % 2] ?? 0);
      const none = new Int32Array(1);
      const plan = { widths: Uint8Array.of(1), reservedLow: none, reservedHigh: none };
      const rowScales = new Float32Array(rows).fill(1);
      const { levels } = await quantizeInput({ rows, weights, plan, rowScales, byteCodebooks: true }, {});
      return levels.kind === 'codebook' ? [...levels.centroids] : [];
    };
    expect(await rounded(-1.0625, 1.1875)).toEqual([-1, 1.25]);
    expect(await rounded(0.3, 3.3)).toEqual([0.3125, 3.25]);
    expect(await rounded(-1000, 460)).toEqual([-448, 448]);
    expect(await rounded(2 ** -10, 3 * 2 ** -10)).toEqual([0, 2 ** -8]);
    expect(await rounded(-(2 ** -9), 0.0156)).toEqual([-(2 ** -9), 0.015625]);
  });
});

describe('row scales', () => {
  it('are the rows’ root mean squares in half precision, and 1 for a row of zeros', () => {
    const scales = rowScales(Float32Array.of(3, -4, 0, 0, 0.1, 0.1), 3);
    // sqrt(12.5) = 3.5355..., to eleven bits 3.53515625; 0.1 likewise.
    expect([...scales]).toEqual([3.53515625, 1, 0.0999755859375]);
    expect([
      ...divideRows(Float32Array.of(7.0703125, 3.53515625, 5, 6), Float32Array.of(3.53515625, 1)),
    ]).toEqual([2, 1, 5, 6]);
    // sqrt(25 / 2 / 2) = 2.5.
    expect([...matrixScale(Float32Array.of(3, -4, 0, 0), 2)]).toEqual([2.5, 2.5]);
  });

  it('count the loss of the weights themselves, reserved entries included', async () => {
    const one = unevenCase(1);
    const matrix = await quantizeOne(one, { scaled: true });
    expect(matrix.loss / trueLoss(one, matrix)).toBeCloseTo(1, 3);
  });

  it('lower the loss where rows differ', async () => {
    const one = unevenCase(2);
    const [plain, scaled] = [await quantizeOne(one, {}), await quantizeOne(one, { scaled: true })];
    expect(trueLoss(one, scaled)).toBeLessThan(0.85 * trueLoss(one, plain));
  });

  it('of powers of two that are all the same change nothing', async () => {
    const random = new Random(3);
    const one = randomCase(random, 40, 96, 3);
    // Signs alone: every row's root mean square is exactly 1/4.
    const even = { ...one, weights: one.weights.map((weight) => (weight < 0 ? -0.25 : 0.25)) };
    const [plain, scaled] = [
      await quantizeOne(even, { compensate: false }),
      await quantizeOne(even, { compensate: false, scaled: true }),
    ];
    expect(scaled.codes).toEqual(plain.codes);
    expect(dequantize(scaled)).toEqual(dequantize(plain));
  });

  it('keep reserved entries as they are, in half precision', async () => {
    const one = unevenCase(4);
    const matrix = await quantizeOne(one, { scaled: true, compensate: false });
    for (let column = 0; column < one.columns; column++) {
      const end = matrix.reservedStart[column + 1] ?? 0;
      for (let i = matrix.reservedStart[column] ?? 0; i < end; i++) {
        const weight = one.weights[(matrix.reservedRows[i] ?? 0) * one.columns + column] ?? NaN;
        const value = matrix.reservedValues[i] ?? NaN;
        // Divided by the scale and multiplied again in float32 on the way: a tie may round the other way.
        expect(Math.abs(value - weight)).toBeLessThanOrEqual(Math.abs(weight) * 2 ** -10.99);
        expect(value).toBe(Math.f16round(value));
      }
    }
  });
});

describe('row weights', () => {
  const weights = Float32Array.of(0, 1, 2, 3, 10, 11, 12, 13);
  const input = { rows: 8, weights, plan: everyColumn(1, 1, 0, 0) };

  it('give a centroid to a row that weighs more than all others', async () => {
    const rowWeights = new Float32Array(8).fill(1);
    expect([...dequantize(await quantizeInput({ ...input, rowWeights }, {}))]).toEqual([
      1.5, 1.5, 1.5, 1.5, 11.5, 11.5, 11.5, 11.5,
    ]);
    rowWeights[3] = 1e6;
    // 3 by itself would leave 0, 1 and 2 to it; the other centroid is the mean of the four behind.
    const heavy = await quantizeInput({ ...input, rowWeights }, {});
    expect(dequantize(heavy)[3]).toBe(3);
    expect(heavy.loss).toBeGreaterThan(0);
  });

  it('do not weigh in the loss, which is that of the weights', async () => {
    const rowWeights = Float32Array.from(weights, (_, row) => 1 + row);
    const matrix = await quantizeInput({ ...input, rowWeights }, {});
    const squares = dequantize(matrix).reduce(
      (sum, value, row) => sum + (value - (weights[row] ?? 0)) ** 2,
      0,
    );
    // H = 1 and its damping.
    expect(matrix.loss).toBeCloseTo((squares * (1 + PERCDAMP)) / 2, 4);
  });

  it('multiply with the squares of scales where both are given', async () => {
    const scales = Float32Array.of(1, 2, 1, 2, 1, 2, 1, 2);
    const scaled = { ...input, weights: divideRows(weights, scales), rowScales: scales };
    const [both, alone] = [
      await quantizeInput({ ...scaled, rowWeights: scales.map((scale) => scale ** -2) }, {}),
      await quantizeInput({ ...input, weights: scaled.weights, rowWeights: new Float32Array(8).fill(1) }, {}),
    ];
    expect(both.codes).toEqual(alone.codes);
    expect(both.levels).toMatchObject({
      centroids: alone.levels.kind === 'codebook' && alone.levels.centroids,
    });
  });
});

describe('reservation by error', () => {
  it('keeps far entries wherever they are, where the tails would keep near ones', async () => {
    // One value far off in the middle between two clusters, and no tails: 1 bit serves all others exactly.
    const rows = 16;
    const weights = Float32Array.from({ length: rows }, (_, row) =>
      row === 5 ? 0.25 : row % 2 === 0 ? -1 : 1,
    );
    const one = { ...unevenCase(5, rows, 1), weights, plan: everyColumn(1, 1, 1, 0) };
    const matrix = await quantizeOne(one, { reserve: 'worst' });
    expect([...matrix.reservedRows]).toEqual([5]);
    expect([...dequantize(matrix)]).toEqual([...weights]);
  });

  it('weighs entries with the squares of their rows’ scales', async () => {
    // Relative to their rows, the last two err alike; in the weights themselves the larger row's errs more.
    const values = [...new Array<number>(8).fill(-1), ...new Array<number>(8).fill(1), 0.5, -0.5];
    const scales = Float32Array.from(values, (_, row) => (row === 17 ? 2 : 1));
    const plan = everyColumn(1, 1, 1, 0);
    const input = { rows: 18, weights: Float32Array.from(values), plan, rowScales: scales };
    const matrix = await quantizeInput(input, { reserve: 'worst' });
    expect([...matrix.reservedRows]).toEqual([17]);
    expect([...matrix.reservedValues]).toEqual([-1]);
  });

  it('errs less than the tails do, on columns by themselves', async () => {
    const one = { ...unevenCase(6), plan: everyColumn(200, 2, 3, 3) };
    const [tails, worst] = [
      await quantizeOne(one, { compensate: false }),
      await quantizeOne(one, { compensate: false, reserve: 'worst' }),
    ];
    const squared = (matrix: QuantizedMatrix): number =>
      dequantize(matrix).reduce((sum, value, cell) => sum + (value - (one.weights[cell] ?? 0)) ** 2, 0);
    expect(squared(worst)).toBeLessThan(0.95 * squared(tails));
  });

  it('takes a column whole', async () => {
    const one = { ...unevenCase(7, 16, 12), plan: everyColumn(12, 1, 8, 8) };
    const matrix = await quantizeOne(one, { reserve: 'worst', compensate: false });
    expect([...dequantize(matrix)]).toEqual([...one.weights].map((weight) => Math.f16round(weight)));
  });
});

describe('sweeps', () => {
  it('lower the loss each time, and count it as it is', async () => {
    const one = unevenCase(8);
    const losses: number[] = [];
    for (const count of [0, 1, 2, 3]) {
      const matrix = await quantizeOne(one, { count, scaled: true, reserve: 'worst' });
      const loss = trueLoss(one, matrix);
      expect(matrix.loss / loss).toBeCloseTo(1, 3);
      losses.push(loss);
    }
    const [none = 0, first = 0, second = 0, third = 0] = losses;
    expect(first).toBeLessThan(none);
    expect(second).toBeLessThan(first);
    expect(third).toBeLessThanOrEqual(second);
  });

  it('leave a column at its best while the others stay', async () => {
    // One column: its sweep is the loop's own fit again.
    const one = { ...unevenCase(9, 64, 1), plan: everyColumn(1, 3) };
    const [loop, swept] = [await quantizeOne(one, {}), await quantizeOne(one, { count: 1 })];
    expect(dequantize(swept)).toEqual(dequantize(loop));
  });

  it('go in stretches of blocks as over all of them', async () => {
    const one = unevenCase(10, 48, 96 * 3 + 5);
    const [whole, stretched] = [
      await quantizeOne(one, { count: 2 }),
      await quantizeOne(one, { count: 2, stretch: 1 }),
    ];
    expect(stretched.loss / trueLoss(one, stretched)).toBeCloseTo(1, 3);
    expect(trueLoss(one, stretched) / trueLoss(one, whole)).toBeCloseTo(1, 1);
  });

  it('treat the matrices of a group each by itself', async () => {
    const one = unevenCase(11, 40, 130);
    const other = { ...unevenCase(12, 24, 130), hessian: one.hessian };
    const together = await quantize([one, other], { count: 1, scaled: true });
    const alone = [
      await quantizeOne(one, { count: 1, scaled: true }),
      await quantizeOne(other, { count: 1, scaled: true }),
    ];
    expect(together.map(fingerprint)).toEqual(alone.map(fingerprint));
  });

  it('leave dead columns at zero', async () => {
    const one = unevenCase(13, 32, 60);
    const values = Float64Array.from(one.hessian.values, (value, cell) =>
      cell % 60 === 7 || Math.floor(cell / 60) === 7 ? 0 : value,
    );
    const dead = { ...one, hessian: { ...one.hessian, values }, plan: everyColumn(60, 2) };
    const matrix = await quantizeOne(dead, { count: 2 });
    const quantized = dequantize(matrix);
    expect(Array.from({ length: 32 }, (_, row) => quantized[row * 60 + 7])).toEqual(new Array(32).fill(0));
    expect(matrix.loss / trueLoss(dead, matrix)).toBeCloseTo(1, 3);
  });
});
