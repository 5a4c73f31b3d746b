import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cellsInSight,
  entriesToFetch,
  isWhole,
  moved,
  showing,
  showsEntries,
  wholeMatrix,
  zoomed,
} from '../../../renderer/inspect/map-window.ts';

const shape = { rows: 100, columns: 400 };
const whole = wholeMatrix(shape);

describe('zoomed', () => {
  it('keeps what is under the pointer where it is', () => {
    expect(zoomed(whole, shape, 0.5, { x: 100, y: 20 })).toEqual({ x: 50, y: 10, width: 200, height: 50 });
  });
  it('ends at eight cells, and at the whole matrix', () => {
    expect(zoomed(whole, shape, 0.001, { x: 0, y: 0 })).toEqual({ x: 0, y: 0, width: 8, height: 8 });
    expect(zoomed({ x: 50, y: 10, width: 200, height: 50 }, shape, 9, { x: 60, y: 10 })).toEqual(whole);
    expect(isWhole(whole, shape)).toBe(true);
  });
  it('stays within the matrix, wherever it goes', () => {
    const step = fc.record({
      factor: fc.double({ min: 0.2, max: 5, noNaN: true }),
      x: fc.nat(400),
      y: fc.nat(100),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let window = whole;
        for (const { factor, x, y } of steps) {
          window = moved(zoomed(window, shape, factor, { x, y }), shape, { x: x - 200, y: y - 50 });
        }
        expect(window.x).toBeGreaterThanOrEqual(0);
        expect(window.y).toBeGreaterThanOrEqual(0);
        expect(window.x + window.width).toBeLessThanOrEqual(400 + 1e-9);
        expect(window.y + window.height).toBeLessThanOrEqual(100 + 1e-9);
      }),
    );
  });
});

describe('what is in sight', () => {
  const window = { x: 10.5, y: 90.2, width: 20, height: 9.8 };
  it('counts cells that are cut', () => {
    expect(cellsInSight(window, shape)).toEqual({ columns: [10, 31], rows: [90, 100] });
  });
  it('is fetched by whole tiles within the matrix', () => {
    expect(entriesToFetch(cellsInSight(window, shape), shape)).toEqual({ columns: [0, 32], rows: [64, 100] });
    expect(entriesToFetch({ rows: [0, 40], columns: [31, 33] }, shape)).toEqual({
      columns: [0, 64],
      rows: [0, 64],
    });
  });
  it('is never more than one answer holds', () => {
    const large = { rows: 4096, columns: 4096 };
    expect(entriesToFetch({ rows: [10, 1000], columns: [0, 600] }, large)).toEqual({
      rows: [0, 512],
      columns: [0, 512],
    });
  });
  it('moves as little as the cursor needs', () => {
    expect(showing(window, shape, { row: 95, column: 12 })).toEqual(window);
    expect(showing(window, shape, { row: 80, column: 40 })).toEqual({ ...window, x: 21, y: 80 });
  });
});

describe('showsEntries', () => {
  const pixels = { width: 400, height: 400 };
  it('from four pixels a cell on, but not of the whole matrix', () => {
    expect(showsEntries({ x: 0, y: 0, width: 100, height: 50 }, shape, pixels)).toBe(true);
    expect(showsEntries({ x: 0, y: 0, width: 101, height: 50 }, shape, pixels)).toBe(false);
    const small = { rows: 16, columns: 16 };
    expect(showsEntries(wholeMatrix(small), small, pixels)).toBe(false);
  });
});
