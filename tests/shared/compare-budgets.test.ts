import { describe, expect, it } from 'vitest';
import { numberText } from '../../main/service/number-text.ts';
import { compareBudgets, compareColumns, decodeOrders } from '../../shared/compare-budgets.ts';
import { budgetForAll } from '../../shared/model-budget.ts';
import { MATRIX_KINDS, matrixShape } from '../../shared/model.ts';
import { requestedBudget } from '../../shared/requested-budget.ts';
import { SMOLLM2 } from '../known-models.ts';

/** Ten columns in all matrices but down, which has twenty; 100 rows or, of down, 10. */
const MODEL = { ...SMOLLM2, blocks: 2, hiddenSize: 10, ffnSize: 20, heads: 1, kvHeads: 1, headDim: 10 };

/** Columns from the last to the first. */
const BACKWARDS = decodeOrders(MODEL, {
  s: 13,
  tieRule: 'max-weight',
  columns: numberText(
    Uint16Array.from(
      Array.from({ length: MODEL.blocks }, () =>
        MATRIX_KINDS.flatMap((kind) =>
          Array.from({ length: matrixShape(MODEL, kind).columns }, (_, i) => i).reverse(),
        ),
      ).flat(),
    ),
  ),
});
const FORWARDS = BACKWARDS.map((order) => order.toReversed());

const AP = budgetForAll(requestedBudget({ apAverage: 2.4, apWidths: [2, 4] }));
const NO_CHANGE = { wider: 0, narrower: 0, moreReserved: 0, fewerReserved: 0 };

describe('two budgets of a model', () => {
  it('have the columns of every matrix, in their orders', () => {
    expect(BACKWARDS.map(({ length }) => length)).toEqual([
      10, 10, 10, 10, 10, 10, 20, 10, 10, 10, 10, 10, 10, 20,
    ]);
    expect(BACKWARDS[6]?.slice(0, 3)).toEqual(Int32Array.of(19, 18, 17));
  });

  it('are compared by matrix', () => {
    const before = { budget: AP, orders: BACKWARDS };
    const after = {
      budget: {
        base: AP.base,
        overrides: [
          {
            layers: [{ from: 1, to: 1 }],
            matrices: undefined,
            budget: requestedBudget({ bits: 3, orShares: [20, 10] }),
          },
        ],
      },
      orders: BACKWARDS,
    };
    const changes = compareBudgets(MODEL, before, after);
    expect(changes.map(({ block, kind }) => [block, kind])).toEqual(
      [0, 1].flatMap((block) => MATRIX_KINDS.map((kind) => [block, kind])),
    );
    expect(changes[0]).toEqual({ block: 0, kind: 'q', columns: 10, ...NO_CHANGE });
    // A fifth of the columns had 4 bits, the rest 2; now all have 3, and all reserve something.
    expect(changes[7]).toEqual({
      block: 1,
      kind: 'q',
      columns: 10,
      ...NO_CHANGE,
      wider: 8,
      narrower: 2,
      moreReserved: 10,
    });
    expect(changes[13]).toMatchObject({ columns: 20, wider: 16, narrower: 4, moreReserved: 20 });
    const back = compareBudgets(MODEL, after, before);
    expect(back[7]).toMatchObject({ wider: 2, narrower: 8, moreReserved: 0, fewerReserved: 10 });
  });

  it('are compared by column, also in different orders', () => {
    const [before, after] = [
      { budget: AP, orders: FORWARDS },
      { budget: AP, orders: BACKWARDS },
    ];
    const { widths, reserved } = compareColumns(MODEL, before, after, 0, 'q');
    expect(widths).toEqual(Int8Array.of(-2, -2, 0, 0, 0, 0, 0, 0, 2, 2));
    expect(reserved).toEqual(new Int32Array(10));
    // 10 rows: 20 % of a tail in the head column is 2 at each, 10 % in the others 1.
    const reserving = { ...after, budget: budgetForAll(requestedBudget({ bits: 2, orShares: [20, 10] })) };
    const more = compareColumns(MODEL, before, reserving, 1, 'o');
    expect(more.widths).toEqual(Int8Array.of(-2, -2, 0, 0, 0, 0, 0, 0, 0, 0));
    expect(more.reserved).toEqual(Int32Array.of(2, 2, 2, 2, 2, 2, 2, 2, 2, 4));
  });

  it('are compared with what is foretold, column by column', () => {
    const foretold = {
      matrices: BACKWARDS.map(({ length }) => ({
        widths: Uint8Array.from({ length }, (_, column) => (column === 0 ? 4 : 2)),
        reserved: Uint32Array.from({ length }, (_, column) => (column === 1 ? 6 : 0)),
      })),
    };
    const ordered = { budget: AP, orders: BACKWARDS };
    // By order the last two of ten columns have 4 bits.
    const { widths, reserved } = compareColumns(MODEL, ordered, foretold, 0, 'q');
    expect(widths).toEqual(Int8Array.of(2, 0, 0, 0, 0, 0, 0, 0, -2, -2));
    expect(reserved).toEqual(Int32Array.of(0, 6, 0, 0, 0, 0, 0, 0, 0, 0));
    const changes = compareBudgets(MODEL, ordered, foretold);
    expect(changes[0]).toEqual({
      block: 0,
      kind: 'q',
      columns: 10,
      wider: 1,
      narrower: 2,
      moreReserved: 1,
      fewerReserved: 0,
    });
    expect(compareBudgets(MODEL, foretold, ordered)[6]).toMatchObject({
      wider: 4,
      narrower: 1,
      fewerReserved: 1,
    });
    expect(compareBudgets(MODEL, foretold, foretold)[13]).toMatchObject(NO_CHANGE);
  });
});
