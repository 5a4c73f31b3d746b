import { describe, expect, it } from 'vitest';
import { outlierOrder, outlierRatios } from '../../shared/outlier-order.ts';

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
