import { describe, expect, it } from 'vitest';
import { chosenBefore, stripeShades } from '../../../renderer/inspect/stripes.ts';

// Columns 5 and 1 of eight are chosen.
const before = chosenBefore(Int32Array.of(5, 1, 0, 2, 3, 4, 6, 7), 2);

describe('stripes', () => {
  it('counts the chosen columns before each place', () => {
    expect([...before]).toEqual([0, 0, 1, 1, 1, 1, 2, 2, 2]);
  });
  it('shades a pixel by the share of it that is chosen', () => {
    expect([...stripeShades(before, 0, 8, 8)]).toEqual([0, 1, 0, 0, 0, 1, 0, 0]);
    expect([...stripeShades(before, 0, 8, 4)]).toEqual([0.5, 0, 0.5, 0]);
    expect([...stripeShades(before, 0, 8, 1)]).toEqual([0.25]);
  });
  it('takes columns that are cut by their part', () => {
    expect([...stripeShades(before, 0.5, 2, 2)]).toEqual([0.5, 0.5]);
    expect([...stripeShades(before, 1.25, 0.5, 2)]).toEqual([1, 1]);
  });
});
