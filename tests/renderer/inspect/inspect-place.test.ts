import { describe, expect, it } from 'vitest';
import { placeOf, queryOf } from '../../../renderer/inspect/inspect-place.ts';

const FIRST = {
  ...{ s: undefined, layer: 0, matrix: 'q', tab: 'layers', column: undefined },
  ...{ compared: [], head: undefined, map: 'outliers' },
};

describe('placeOf', () => {
  it('reads what an address says', () => {
    const query = {
      S: '5',
      layer: '3',
      matrix: 'down',
      tab: 'column',
      column: '17',
      compare: '3.k,7.q',
      top: '5',
      map: 'sensitivity',
    };
    expect(placeOf(query, 30)).toEqual({
      s: 5,
      layer: 3,
      matrix: 'down',
      tab: 'column',
      column: 17,
      compared: [
        { block: 3, kind: 'k' },
        { block: 7, kind: 'q' },
      ],
      head: 0.05,
      map: 'sensitivity',
    });
  });
  it('takes the nearest S that is measured', () => {
    expect(placeOf({ S: '5.1' }, 30).s).toBe(5);
    expect(placeOf({ S: '900' }, 30).s).toBe(32);
  });
  it.each([
    {},
    { S: 'much', layer: 'top', matrix: 'w', tab: 'all', column: '-1' },
    { S: null, layer: ['0', '9'], column: '1.5', compare: '30.q,-1.k,2.w,2,,x.q', top: '0' },
    { compare: null, top: '100.1', map: 'losses' },
  ])('takes the first of its kind for what is wrong: %o', (query) => {
    expect(placeOf(query, 30)).toEqual(FIRST);
  });
  it('stays within the model', () => {
    expect(placeOf({ layer: '30' }, 30).layer).toBe(29);
  });
  it('compares each matrix once, and no more than there are lines', () => {
    const compare = '1.q,1.q,2.q,3.q,4.q,5.q,6.q,7.q,8.q';
    expect(placeOf({ compare }, 30).compared.map(({ block }) => block)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
  it('is what queryOf wrote', () => {
    const place = placeOf({ S: '13', layer: '2', matrix: 'o', tab: 'matrix' }, 30);
    expect(queryOf(place)).toEqual({ S: '13', layer: '2', matrix: 'o', tab: 'matrix' });
    expect(placeOf(queryOf(place), 30)).toEqual(place);
    const compared = placeOf({ compare: '2.k,29.down', top: '0.7' }, 30);
    expect(queryOf(compared)).toMatchObject({ compare: '2.k,29.down', top: '0.7' });
    expect(placeOf(queryOf(compared), 30)).toEqual(compared);
    const sensitivity = placeOf({ map: 'sensitivity' }, 30);
    expect(queryOf(sensitivity)).toMatchObject({ map: 'sensitivity' });
    expect(placeOf(queryOf(sensitivity), 30)).toEqual(sensitivity);
  });
});
