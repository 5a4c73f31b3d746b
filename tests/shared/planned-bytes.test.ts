import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnClasses, nominalBitsOf, packedBytes, plannedClasses, totalBytes } from '../../shared/bits.ts';
import {
  authorsTails,
  budgetOfBits,
  exactTails,
  outlierReservation,
  planByOrder,
  singlePrecision,
} from '../../shared/budget.ts';
import { type ModelBudget, budgetForAll, matrixBudget } from '../../shared/model-budget.ts';
import { MATRIX_KINDS, matrixShape } from '../../shared/model.ts';
import type { PlusTechnique } from '../../shared/plus.ts';
import { plannedNominalBits, plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { SMOLLM2 } from '../known-models.ts';

const BUDGET: ModelBudget = {
  base: budgetOfBits(2.12),
  overrides: [
    { layers: [{ from: 0, to: 1 }], matrices: undefined, budget: budgetOfBits(3.12) },
    { layers: undefined, matrices: ['v', 'k'], budget: budgetOfBits(4) },
  ],
};

describe('planned bytes of CLAQ+', () => {
  const budget = budgetForAll(budgetOfBits(3));

  it('count the scales of rows, two bytes each, and codebooks in bytes, where no allocation takes them out of the budget', () => {
    const plain = plannedPackedBytes(SMOLLM2, { method: 'claq', budget });
    const planned = (techniques: readonly PlusTechnique[]): number =>
      plannedPackedBytes(SMOLLM2, { method: 'claq-plus', budget, plus: { techniques: [...techniques] } });
    const rows = MATRIX_KINDS.reduce((sum, kind) => sum + matrixShape(SMOLLM2, kind).rows, 0);
    expect(planned(['row-scales']) - plain).toBe(2 * SMOLLM2.blocks * rows);
    expect(planned(['row-scales', 'allocation'])).toBe(plain);
    expect(planned(['sweeps'])).toBe(plain);
    // Eight centroids a column, of all columns, in a byte each; and scales, which they need.
    const columns = MATRIX_KINDS.reduce((sum, kind) => sum + matrixShape(SMOLLM2, kind).columns, 0);
    expect(planned(['row-scales']) - planned(['byte-codebooks'])).toBe(8 * SMOLLM2.blocks * columns);
    expect(planned(['byte-codebooks', 'row-scales'])).toBe(planned(['byte-codebooks']));
    expect(planned(['byte-codebooks', 'allocation'])).toBe(plain);
  });
});

describe('planned classes', () => {
  it('are those of the plan of any order', () => {
    const budgets = fc.record({
      precision: fc
        .tuple(
          fc.integer({ min: 1, max: 8 }),
          fc.integer({ min: 1, max: 8 }),
          fc.double({ min: 0, max: 1, noNaN: true }),
        )
        .map(([one, other, share]) => {
          const [low, high] = [Math.min(one, other), Math.max(one, other)];
          return low === high ? singlePrecision(low) : { low, high, average: low + share * (high - low) };
        }),
      reservation: fc
        .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
        .map(([bits, headColumns]) => outlierReservation(bits, headColumns)),
    });
    const shape = { rows: fc.integer({ min: 1, max: 600 }), columns: fc.integer({ min: 1, max: 300 }) };
    fc.assert(
      fc.property(
        fc.record(shape),
        budgets,
        fc.boolean(),
        fc.infiniteStream(fc.nat()),
        (matrix, budget, ours, keys) => {
          const order = Array.from(
            { length: matrix.columns },
            (_, column) => [keys.next().value, column] as const,
          )
            .sort(([a], [b]) => a - b)
            .map(([, column]) => column);
          const tails = ours ? exactTails : authorsTails;
          const plan = planByOrder(Int32Array.from(order), matrix.rows, budget, tails);
          expect(plannedClasses(matrix, budget, tails)).toEqual(columnClasses(plan));
        },
      ),
    );
  });
});

describe('planned bytes and bits of a model with overrides', () => {
  it('are the sum over its matrices, each with its own budget', () => {
    let bytes = 0;
    const matrices = [];
    for (let block = 0; block < SMOLLM2.blocks; block++) {
      for (const kind of MATRIX_KINDS) {
        const shape = matrixShape(SMOLLM2, kind);
        const classes = plannedClasses(shape, matrixBudget(BUDGET, block, kind));
        bytes += totalBytes(packedBytes(shape, classes));
        matrices.push({ ...shape, classes });
      }
    }
    expect(plannedPackedBytes(SMOLLM2, { method: 'claq', budget: BUDGET })).toBe(bytes);
    // Columns and reserved entries come in whole numbers, the budget does not.
    expect(plannedNominalBits(SMOLLM2, BUDGET)).toBeCloseTo(nominalBitsOf(matrices), 2);
  });

  it('are a uniform grid’s with widths of their own', () => {
    const grid: ModelBudget = {
      base: budgetOfBits(3),
      overrides: [{ layers: [{ from: 29, to: 29 }], matrices: ['down'], budget: budgetOfBits(8) }],
    };
    const all = plannedPackedBytes(SMOLLM2, { method: 'gptq', budget: budgetForAll(grid.base) });
    const { rows, columns } = matrixShape(SMOLLM2, 'down');
    expect(plannedPackedBytes(SMOLLM2, { method: 'gptq', budget: grid }) - all).toBe(
      (rows * columns * 5) / 8,
    );
  });

  it('nominal bits without overrides are those of the budget', () => {
    expect(plannedNominalBits(SMOLLM2, budgetForAll(budgetOfBits(2.1)))).toBe(2.1);
  });
});
