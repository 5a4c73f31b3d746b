import { describe, expect, it } from 'vitest';
import {
  cellFill,
  cellLean,
  cellText,
  cellWords,
  columnBins,
  differenceCell,
} from '../../../renderer/budget/difference-cells.ts';
import { COLOURS } from '../charts/chart-colours.ts';

const CHANGE = {
  block: 3,
  kind: 'v',
  columns: 4096,
  wider: 205,
  narrower: 0,
  moreReserved: 10,
  fewerReserved: 1034,
} as const;

describe('a cell of the difference of two budgets', () => {
  it('counts columns with more and with less', () => {
    const width = differenceCell(CHANGE, 'width');
    expect(cellText(width)).toBe('+205');
    expect(cellLean(width)).toBe(205 / 4096);
    expect(cellWords(width, 'width')).toBe('Layer 3, v: of 4,096 columns 205 wider, none narrower');
    const reserved = differenceCell(CHANGE, 'reserved');
    expect(cellText(reserved)).toBe('+10 −1034');
    expect(cellLean(reserved)).toBe(-0.25);
    expect(cellWords(reserved, 'reserved')).toBe(
      'Layer 3, v: of 4,096 columns 10 with more reserved, 1,034 with fewer reserved',
    );
    expect(cellText({ ...width, more: 0 })).toBe('·');
  });
});

describe('the colour of a cell', () => {
  const cell = differenceCell(CHANGE, 'width');
  it('is its side of the scale, as deep as it leans beside the farthest', () => {
    // 0.45 of 255, and half of it at a quarter of the way.
    expect(cellFill(cell, 205 / 4096, COLOURS)).toBe('#2f6fb073');
    expect(cellFill({ ...cell, more: 0, less: 205 }, (4 * 205) / 4096, COLOURS)).toBe('#b3580639');
  });

  it('is none where no column changes', () => {
    expect(cellFill({ ...cell, more: 0 }, 1, COLOURS)).toBe('');
  });
});

describe('the columns of a matrix side by side', () => {
  it('have a bin each where there is room', () => {
    expect(columnBins(Int8Array.of(2, 0, -1), 8)).toEqual([
      { from: 0, to: 1, more: 1, less: 0 },
      { from: 1, to: 2, more: 0, less: 0 },
      { from: 2, to: 3, more: 0, less: 1 },
    ]);
  });

  it('share bins where there is none', () => {
    expect(columnBins(Int32Array.of(1, 0, -3, 0, 5), 2)).toEqual([
      { from: 0, to: 2, more: 0.5, less: 0 },
      { from: 2, to: 5, more: 1 / 3, less: 1 / 3 },
    ]);
  });
});
