import { describe, expect, it } from 'vitest';
import { type Allocation, allocate, leastBytes } from '../../shared/allocation.ts';
import type { AllocationMatrix } from '../../shared/allocation-matrix.ts';
import { Random } from '../oracle/random.ts';

describe('an allocation over matrices of real sizes', () => {
  const random = new Random(81);
  const shapes = [
    [192, 144],
    [576, 144],
    [144, 384],
  ] as const;
  const options = [0, 2, 6].flatMap((reserved) => [1, 2, 3, 4, 5].map((width) => ({ width, reserved })));
  /** Errors fall by 4 with each bit; what reserved entries take off differs from column to column. */
  const matrices = shapes.map(([rows, columns]): AllocationMatrix => {
    const losses = Array.from({ length: columns }, () => {
      const [scale, tails] = [rows * Math.exp(random.normal()), random.uniform()];
      return options.map(({ width, reserved }) => scale * 4 ** -width * (1 - tails * (1 - 0.7 ** reserved)));
    });
    return {
      shape: { rows, columns },
      form: { scaledRows: true, byteCodebooks: true },
      options,
      losses: Float32Array.from(losses.flat()),
    };
  });
  const least = leastBytes(matrices);
  const most = allocate(matrices, Infinity).bytes;

  it('loses less the more it may spend, and spends nearly all', () => {
    let before = Infinity;
    for (let step = 1; step <= 20; step++) {
      const budget = Math.round(least * (most / least) ** (step / 21));
      const found = allocate(matrices, budget);
      expect(found.bytes).toBeLessThanOrEqual(budget);
      expect(budget - found.bytes).toBeLessThan(16);
      expect(found.loss).toBeLessThan(before);
      before = found.loss;
    }
  });

  it('tells what one more byte saves', () => {
    const budget = Math.round((least + most) / 2);
    const [less, found, more] = [-400, 0, 400].map((bytes) => allocate(matrices, budget + bytes));
    const slope = ((less?.loss ?? NaN) - (more?.loss ?? NaN)) / 800;
    expect(Math.abs((found?.lossPerByte ?? NaN) / slope - 1)).toBeLessThan(0.1);
  });

  it('gives the bytes to the matrix that the loss feels most', () => {
    const [first, ...others] = matrices;
    if (first === undefined) throw new Error('no matrices');
    const felt = { ...first, losses: first.losses.map((each) => 100 * each) };
    const bitsOf = (each: Allocation): number => each.matrices[0]?.widths.reduce((a, b) => a + b, 0) ?? NaN;
    const budget = Math.round((least + most) / 2);
    expect(bitsOf(allocate([felt, ...others], budget))).toBeGreaterThan(bitsOf(allocate(matrices, budget)));
  });
});
