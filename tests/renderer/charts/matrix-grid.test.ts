import { describe, expect, it } from 'vitest';
import {
  cellLook,
  cellWords,
  gridPicture,
  neighbour,
  withMatrices,
} from '../../../renderer/charts/matrix-grid.ts';
import { MATRIX_KINDS } from '../../../shared/model.ts';
import { matrixResult } from './matrix-result.ts';

const q0 = matrixResult({ loss: 20 });
const down0 = matrixResult({ kind: 'down', loss: 2000 });
const q1 = matrixResult({ block: 1, loss: null });

describe('gridPicture', () => {
  const matrices = withMatrices(new Map(), [q0, down0, q1]);
  const picture = gridPicture(3, matrices, 'lossPerWeight', 'log');

  it('has a row a block and a cell a kind', () => {
    expect(picture.rows.map(({ block }) => block)).toEqual([0, 1, 2]);
    for (const { cells } of picture.rows) expect(cells.map(({ kind }) => kind)).toEqual([...MATRIX_KINDS]);
  });

  it('tells figures, missing figures and matrices that are not done apart', () => {
    expect(picture.rows.map(({ cells }) => cells.map(({ value }) => value))).toEqual([
      [0.001, undefined, undefined, undefined, undefined, undefined, 0.1],
      [null, undefined, undefined, undefined, undefined, undefined, undefined],
      Array<undefined>(7).fill(undefined),
    ]);
  });

  it('colours by the scale that holds all figures, with the figure in the cell', () => {
    const [first, , , , , , last] = picture.rows[0]?.cells ?? [];
    expect(picture.scale).toMatchObject({ kind: 'log', low: 0.001, high: 0.1 });
    expect(first && cellLook(first, picture)).toEqual({
      fill: '#440154',
      ink: '#ffffff',
      text: '0.00100',
    });
    expect(last && cellLook(last, picture)).toEqual({ fill: '#fde725', ink: '#000000', text: '0.100' });
  });

  it('leaves cells without a figure without a colour, with different signs', () => {
    const [none, notDone] = picture.rows[1]?.cells ?? [];
    expect(none && cellLook(none, picture)).toEqual({ fill: '', ink: '', text: '–' });
    expect(notDone && cellLook(notDone, picture)).toEqual({ fill: '', ink: '', text: '·' });
  });

  it('says a cell in words', () => {
    const [first, second] = picture.rows[0]?.cells ?? [];
    const [none] = picture.rows[1]?.cells ?? [];
    expect(first && cellWords(0, first, picture)).toBe('Layer 0, q: 0.00100 a weight');
    expect(second && cellWords(0, second, picture)).toBe('Layer 0, k: not done yet');
    expect(none && cellWords(1, none, picture)).toBe('Layer 1, q: has no loss a weight');
  });

  it('keeps the rows of blocks without new matrices', () => {
    const more = withMatrices(matrices, [matrixResult({ block: 1, kind: 'k' })]);
    const next = gridPicture(3, more, 'lossPerWeight', 'log');
    expect(next.rows[0]).toBe(picture.rows[0]);
    expect(next.rows[1]).not.toBe(picture.rows[1]);
    expect(next.rows[1]?.cells[1]?.value).toBe(0.0025);
    expect(picture.rows[1]?.cells[1]?.value).toBeUndefined();
  });

  it('has other rows for another figure', () => {
    const losses = gridPicture(3, matrices, 'loss', 'linear');
    expect(losses.rows[0]?.cells[6]?.value).toBe(2000);
    expect(losses.scale).toMatchObject({ kind: 'linear', low: 0, high: 2000 });
  });
});

describe('withMatrices', () => {
  it('is the same where nothing is added', () => {
    const known = withMatrices(new Map(), [q0]);
    expect(withMatrices(known, [])).toBe(known);
  });

  it('takes the later result of a matrix', () => {
    const known = withMatrices(new Map(), [q0, matrixResult({ loss: 7 })]);
    expect(known.get(0)?.get('q')?.loss).toBe(7);
  });
});

describe('neighbour', () => {
  const at = { block: 1, column: 3 };
  it.each([
    ['ArrowUp', 0, 3],
    ['ArrowDown', 2, 3],
    ['ArrowLeft', 1, 2],
    ['ArrowRight', 1, 4],
    ['Home', 1, 0],
    ['End', 1, 6],
    ['PageUp', 0, 3],
    ['PageDown', 2, 3],
  ])('%s leads to block %i, column %i', (key, block, column) => {
    expect(neighbour(key, at, 3)).toEqual({ block, column });
  });

  it('stays within the picture and leaves other keys alone', () => {
    expect(neighbour('ArrowUp', { block: 0, column: 0 }, 3)).toEqual({ block: 0, column: 0 });
    expect(neighbour('ArrowRight', { block: 2, column: 6 }, 3)).toEqual({ block: 2, column: 6 });
    expect(neighbour('Tab', at, 3)).toBeUndefined();
  });
});
