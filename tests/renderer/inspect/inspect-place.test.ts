import { describe, expect, it } from 'vitest';
import { placeOf, queryOf } from '../../../renderer/inspect/inspect-place.ts';

const FIRST = { s: undefined, layer: 0, matrix: 'q', tab: 'layers', column: undefined };

describe('placeOf', () => {
  it('reads what an address says', () => {
    expect(placeOf({ S: '5', layer: '3', matrix: 'down', tab: 'column', column: '17' }, 30)).toEqual({
      s: 5,
      layer: 3,
      matrix: 'down',
      tab: 'column',
      column: 17,
    });
  });
  it('takes the nearest S that is measured', () => {
    expect(placeOf({ S: '5.1' }, 30).s).toBe(5);
    expect(placeOf({ S: '900' }, 30).s).toBe(32);
  });
  it.each([
    {},
    { S: 'much', layer: 'top', matrix: 'w', tab: 'all', column: '-1' },
    { S: null, layer: ['0', '9'], column: '1.5' },
  ])('takes the first of its kind for what is wrong: %o', (query) => {
    expect(placeOf(query, 30)).toEqual(FIRST);
  });
  it('stays within the model', () => {
    expect(placeOf({ layer: '30' }, 30).layer).toBe(29);
  });
  it('is what queryOf wrote', () => {
    const place = placeOf({ S: '13', layer: '2', matrix: 'o', tab: 'matrix' }, 30);
    expect(queryOf(place)).toEqual({ S: '13', layer: '2', matrix: 'o', tab: 'matrix' });
    expect(placeOf(queryOf(place), 30)).toEqual(place);
  });
});
