import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type QuantizedMatrix, dequantize } from '../../../main/engine/claq/quantized-matrix.ts';
import { weightBands } from '../../../main/engine/result/row-bands.ts';
import { randomGridMatrix, randomMatrix } from './random-matrix.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

/** The bands behind one another; none may be missing. */
function joined(matrix: QuantizedMatrix): Float32Array {
  const weights = new Float32Array(matrix.rows * matrix.columns);
  let next = 0;
  for (const { from, to, values } of weightBands(matrix)) {
    expect(from).toBe(next);
    expect(values.length).toBe((to - from) * matrix.columns);
    weights.set(values, from * matrix.columns);
    next = to;
  }
  expect(next).toBe(matrix.rows);
  return weights;
}

describe('weightBands', () => {
  it('are the dequantized weights, whatever stands in the matrix', () => {
    fc.assert(
      fc.property(seeds, fc.boolean(), (seed, onGrid) => {
        const matrix = onGrid ? randomGridMatrix(seed) : randomMatrix(seed);
        expect(Buffer.compare(bytesOf(joined(matrix)), bytesOf(dequantize(matrix)))).toBe(0);
      }),
    );
  });

  it('are several of a matrix that is large', () => {
    const [rows, columns] = [100, 6000];
    const matrix: QuantizedMatrix = {
      rows,
      columns,
      widths: new Uint8Array(columns).fill(1),
      levels: {
        kind: 'codebook',
        start: Int32Array.from({ length: columns + 1 }, (_, column) => 2 * column),
        centroids: Float32Array.from({ length: 2 * columns }, (_, i) => i),
      },
      codes: Uint8Array.from({ length: rows * columns }, (_, i) => (i % 7) & 1),
      // One reserved entry a column, all over the rows.
      reservedStart: Int32Array.from({ length: columns + 1 }, (_, column) => column),
      reservedRows: Int32Array.from({ length: columns }, (_, column) => column % rows),
      reservedValues: Float32Array.from({ length: columns }, (_, column) => -column),
      loss: NaN,
    };
    expect([...weightBands(matrix)].map(({ from, to }) => [from, to])).toEqual([
      [0, 32],
      [32, 64],
      [64, 96],
      [96, 100],
    ]);
    expect(Buffer.compare(bytesOf(joined(matrix)), bytesOf(dequantize(matrix)))).toBe(0);
  });
});

function bytesOf({ buffer }: Float32Array): Uint8Array {
  return new Uint8Array(buffer);
}
