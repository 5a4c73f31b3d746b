import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnStatistics, outlierOrder, outlierRatios } from '../../shared/outlier-order.ts';

describe('columnStatistics', () => {
  // |w| sums to 32 over 8 entries: the mean is 4, so S = 2 asks for 8 and S = 3 for 12.
  const weights = Float32Array.of(-8, 1, 2, 0, 8, -12, 1, 0);
  const statistics = columnStatistics(weights, { rows: 2, columns: 4 }, [3, 2]);

  it('takes the mean magnitude over the whole matrix and the largest of each column', () => {
    expect(statistics.meanMagnitude).toBe(4);
    expect(statistics.maxMagnitude).toEqual(Float32Array.of(8, 12, 2, 0));
  });

  it('counts weights of exactly S times the mean, of either sign, for each S in the order asked for', () => {
    expect(statistics.outliers).toEqual([
      { s: 3, columns: Uint32Array.of(0, 1, 0, 0), total: 1 },
      { s: 2, columns: Uint32Array.of(2, 1, 0, 0), total: 3 },
    ]);
  });

  it('finds no outliers in a matrix of zeros', () => {
    const zeros = columnStatistics(new Float32Array(6), { rows: 3, columns: 2 }, [1]);
    expect(zeros.outliers).toEqual([{ s: 1, columns: Uint32Array.of(0, 0), total: 0 }]);
  });

  it('refuses weights that are not of the shape', () => {
    expect(() => columnStatistics(weights, { rows: 2, columns: 3 }, [13])).toThrow(
      'a matrix of 2 x 3 has 6 weights, not 8',
    );
  });

  it('agrees with the definition, entry by entry', () => {
    const matrices = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
      .chain(([rows, columns]) =>
        fc.record({
          rows: fc.constant(rows),
          columns: fc.constant(columns),
          weights: fc.float32Array({
            minLength: rows * columns,
            maxLength: rows * columns,
            noNaN: true,
            min: -100,
            max: 100,
          }),
          s: fc.double({ min: 0.1, max: 5, noNaN: true }),
        }),
      );
    fc.assert(
      fc.property(matrices, ({ rows, columns, weights, s }) => {
        const magnitudes = Array.from(weights, Math.abs);
        const mean = magnitudes.reduce((sum, magnitude) => sum + magnitude, 0) / magnitudes.length;
        const expected = new Uint32Array(columns);
        magnitudes.forEach((magnitude, index) => {
          if (mean > 0 && magnitude >= s * mean)
            expected[index % columns] = (expected[index % columns] ?? 0) + 1;
        });
        expect(columnStatistics(weights, { rows, columns }, [s]).outliers[0]?.columns).toEqual(expected);
      }),
    );
  });
});

describe('outlierRatios', () => {
  it('divides by the rows', () => {
    expect(outlierRatios(Uint32Array.of(0, 1, 4), 4)).toEqual(Float64Array.of(0, 0.25, 1));
  });
});

describe('outlierOrder', () => {
  it('sorts columns by descending outlier ratio', () => {
    const order = outlierOrder(Float64Array.of(0.1, 0.3, 0, 0.2), {
      rule: 'max-weight',
      values: Float32Array.of(9, 1, 9, 1),
    });
    expect(order).toEqual({ columns: Int32Array.of(1, 3, 0, 2), tieRule: 'max-weight' });
  });

  it('breaks ties by the larger value of the rule and says which rule that was', () => {
    const order = outlierOrder(Float64Array.of(0, 0.5, 0, 0.5, 0), {
      rule: 'hessian-diagonal',
      values: Float64Array.of(1, 2, 3, 4, 2),
    });
    expect(order).toEqual({ columns: Int32Array.of(3, 1, 2, 4, 0), tieRule: 'hessian-diagonal' });
  });

  it('falls back to the index where the rule ties too', () => {
    const order = outlierOrder(new Float64Array(5), {
      rule: 'hessian-diagonal',
      values: Float32Array.of(1, 2, 1, 2, 1),
    });
    expect(order.columns).toEqual(Int32Array.of(1, 3, 0, 2, 4));
  });

  it('refuses a tie rule without a value for each column', () => {
    expect(() =>
      outlierOrder(new Float64Array(3), { rule: 'max-weight', values: new Float32Array(2) }),
    ).toThrow('3 columns have 2 values of the tie rule max-weight');
  });
});
