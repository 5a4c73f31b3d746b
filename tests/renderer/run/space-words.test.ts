import { describe, expect, it } from 'vitest';
import { spaceShares, spaceWords } from '../../../renderer/run/space-words.ts';

describe('spaceShares', () => {
  it('shows what is used, needed and left of the whole', () => {
    expect(spaceShares({ needed: 2, free: 6, total: 10 })).toEqual({ used: 0.4, needed: 0.2, tone: 'plain' });
  });

  it('warns where little would be left, and says where it does not fit', () => {
    expect(spaceShares({ needed: 5.2, free: 6, total: 10 }).tone).toBe('warn');
    expect(spaceShares({ needed: 7, free: 6, total: 10 })).toEqual({ used: 0.4, needed: 0.6, tone: 'bad' });
    expect(spaceShares({ needed: 20, free: 6, total: 10 })).toEqual({ used: 0.2, needed: 0.8, tone: 'bad' });
  });

  it('takes what is free for the whole where that is all that is known', () => {
    expect(spaceShares({ needed: 3, free: 6, total: null })).toEqual({ used: 0, needed: 0.5, tone: 'plain' });
    expect(spaceShares({ needed: 3, free: null, total: null })).toEqual({
      used: 0,
      needed: 0,
      tone: 'plain',
    });
  });
});

it('says both figures with their units', () => {
  expect(spaceWords({ needed: 3.2e9, free: 1.14e10 })).toBe('3.20 GB of 11.4 GB free');
  expect(spaceWords({ needed: 3.2e9, free: null })).toBe('3.20 GB, free not known');
});
