import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { DEMO_MODEL } from '../../../main/service/bundled-texts.ts';
import { readColumn, viewColumn } from '../../../main/service/statistics/column-view.ts';
import { readEntries } from '../../../main/service/statistics/entries.ts';
import {
  type BandSource,
  type MatrixWindow,
  readWindow,
} from '../../../main/service/statistics/matrix-bands.ts';
import { matrixName } from '../../../shared/model.ts';
import { float32Of } from '../../../shared/number-text.ts';

let checkpoint: Checkpoint;
beforeEach(async () => {
  checkpoint = await openCheckpoint(DEMO_MODEL);
});
afterEach(() => checkpoint.close());

const DOWN = { block: 2, kind: 'down' } as const;
const ROWS = 192;
const COLUMNS = 512;

function whole(): Promise<Float32Array> {
  return checkpoint.read(`${matrixName(DOWN.block, DOWN.kind)}.weight`);
}

const GATE = { block: 0, kind: 'gate' } as const;

/** A model whose gate has these weights, 1100 x 1030: more than a band. */
function sourceOf(values: Float32Array): BandSource {
  const bytes = new Uint8Array(values.buffer);
  const name = `${matrixName(GATE.block, GATE.kind)}.weight`;
  return {
    folder: '/model',
    model: { ...checkpoint.model, hiddenSize: 1030, ffnSize: 1100 },
    tensors: new Map([[name, { name, dtype: 'F32', shape: [1100, 1030], file: 'a' }]]),
    readBytes: (_, from, to) => Promise.resolve(bytes.slice(from, to)),
  };
}

async function readAll(window: MatrixWindow): Promise<{ rows: number[]; values: number[] }> {
  const rows: number[] = [];
  const values: number[] = [];
  await readWindow(checkpoint, DOWN, window, (row, entries) => {
    rows.push(row);
    values.push(...entries);
  });
  return { rows, values };
}

describe('a window of a matrix', () => {
  it('has the entries that the whole matrix has there', async () => {
    const weights = await whole();
    for (const [rows, columns] of [
      [
        [0, ROWS],
        [0, COLUMNS],
      ],
      [
        [7, 9],
        [0, COLUMNS],
      ],
      [
        [0, ROWS],
        [511, 512],
      ],
      [
        [191, 192],
        [3, 5],
      ],
    ] as const) {
      const found = await readAll({ rows, columns });
      const expected: number[] = [];
      for (let row = rows[0]; row < rows[1]; row++) {
        expected.push(...weights.subarray(row * COLUMNS + columns[0], row * COLUMNS + columns[1]));
      }
      expect(found.values).toEqual(expected);
      expect(found.rows).toEqual(Array.from({ length: rows[1] - rows[0] }, (_, index) => rows[0] + index));
    }
  });

  it.each([
    ['rows', { rows: [0, 193], columns: [0, 1] }],
    ['rows', { rows: [5, 5], columns: [0, 1] }],
    ['columns', { rows: [0, 1], columns: [9, 3] }],
    ['columns', { rows: [0, 1], columns: [600, 700] }],
  ] as const)('is refused outside of it: %s', async (what, window) => {
    await expect(readAll(window)).rejects.toMatchObject({
      code: 'request/invalid',
      message: `The ${what} are not in the matrix`,
    });
  });

  it('is read no further for who does not wait any more', async () => {
    const abandoned = new AbortController();
    const source = sourceOf(new Float32Array(1100 * 1030));
    let reads = 0;
    const window = { rows: [0, 1100], columns: [0, 1030] } as const;
    const read = readEntries(
      {
        ...source,
        readBytes: (...args) => {
          reads += 1;
          abandoned.abort();
          return source.readBytes(...args);
        },
      },
      GATE,
      window,
      1,
      abandoned.signal,
    );
    await expect(read).rejects.toMatchObject({ code: 'run/cancelled' });
    expect(reads).toBe(1);
    await expect(readColumn(source, GATE, 17, abandoned.signal)).rejects.toMatchObject({
      code: 'run/cancelled',
    });
  });

  it('is refused in a layer that is not there', async () => {
    const read = readWindow(
      checkpoint,
      { block: 6, kind: 'q' },
      { rows: [0, 1], columns: [0, 1] },
      () => undefined,
    );
    await expect(read).rejects.toMatchObject({ code: 'request/invalid', found: 'layer 6' });
  });
});

describe('a picture of entries', () => {
  it('has each entry, relative to the mean, where there is room', async () => {
    const weights = await whole();
    const picture = await readEntries(checkpoint, DOWN, { rows: [0, ROWS], columns: [0, COLUMNS] }, 0.5);
    expect(picture).toMatchObject({ rows: [0, 192], columns: [0, 512], rowStep: 1, columnStep: 1 });
    expect(float32Of(picture.values)).toEqual(weights.map((weight) => Math.abs(weight) / 0.5));
  });

  it('has the largest of each cell where there is not, with what is left at the end', async () => {
    const values = Float32Array.from({ length: 1100 * 1030 }, (_, at) => (at % 7 === 0 ? -at : at % 100));
    const window = { rows: [10, 1100], columns: [2, 1030] } as const;
    const picture = await readEntries(sourceOf(values), GATE, window, 2);
    expect(picture).toMatchObject({ rowStep: 3, columnStep: 3 });
    const cells = float32Of(picture.values);
    const [cellRows, cellColumns] = [364, 343];
    expect(cells).toHaveLength(cellRows * cellColumns);
    for (const [cellRow, cellColumn] of [
      [0, 0],
      [100, 200],
      [363, 342],
    ] as const) {
      let largest = 0;
      for (let row = 10 + 3 * cellRow; row < Math.min(1100, 13 + 3 * cellRow); row++) {
        for (let column = 2 + 3 * cellColumn; column < Math.min(1030, 5 + 3 * cellColumn); column++) {
          largest = Math.max(largest, Math.abs(values[row * 1030 + column] ?? NaN));
        }
      }
      expect(cells[cellRow * cellColumns + cellColumn]).toBe(Math.fround(largest / 2));
    }
  });
});

describe('a column up close', () => {
  it('has its values, ascending, and a codebook of each width', async () => {
    const weights = await whole();
    const column = await readColumn(checkpoint, DOWN, 17);
    const view = await viewColumn(column, 17, { tailShare: 0.01, meanMagnitude: 0.25 });
    const values = Float32Array.from({ length: ROWS }, (_, row) => weights[row * COLUMNS + 17] ?? NaN);
    expect(float32Of(view.sorted)).toEqual(values.toSorted());
    expect(view).toMatchObject({ column: 17, rows: ROWS, meanMagnitude: 0.25, reserved: 2 });
    expect(view.codebooks.map(({ width }) => width)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(view.codebooks.map(({ centroids }) => centroids.length).slice(0, 4)).toEqual([2, 4, 8, 16]);
    const errors = view.codebooks.map(({ squaredError }) => squaredError);
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
  });

  it('is refused where it is not in the matrix', async () => {
    await expect(readColumn(checkpoint, DOWN, COLUMNS)).rejects.toMatchObject({ code: 'request/invalid' });
  });
});
