import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderByCounts, tieOrder } from '../../shared/column-order.ts';
import { outlierOrder } from '../../shared/outlier-order.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';

describe('orders of columns', () => {
  it('put many outliers first, then what breaks ties, then the lower index', () => {
    const ties = tieOrder(Float32Array.of(1, 3, 3, 0, 2, -0));
    expect([...ties]).toEqual([1, 2, 4, 0, 3, 5]);
    expect([...orderByCounts(ties, Uint16Array.of(0, 0, 7, 7, 0, 1))]).toEqual([2, 3, 5, 1, 4, 0]);
    expect(orderByCounts(ties, undefined)).toEqual(ties);
  });

  it('are the Outlier Order of any matrix', () => {
    const value = fc.oneof(
      fc.constantFrom(0, 0.5, 1, 3e-45, 3.4e38),
      fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }),
    );
    const column = fc.tuple(value, fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 70_000 })));
    fc.assert(
      fc.property(fc.array(column, { minLength: 1, maxLength: 200 }), (columns) => {
        const values = Float32Array.from(columns, ([tie]) => tie);
        const counts = Uint32Array.from(columns, ([, count]) => count);
        const { columns: expected } = outlierOrder(counts, { rule: 'max-weight', values });
        expect([...orderByCounts(tieOrder(values), counts)]).toEqual([...expected]);
      }),
    );
  });

  it('reach the last column that 16 bits can name, and refuse more', async () => {
    const values = Float32Array.from({ length: 65_536 }, (_, column) => column);
    expect([...tieOrder(values).subarray(0, 3)]).toEqual([65_535, 65_534, 65_533]);
    expect(await thrownBy(() => tieOrder(new Float32Array(65_537)))).toMatchObject({
      code: 'model/unsupported',
    });
  });
});
