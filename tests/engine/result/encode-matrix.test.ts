import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LARGEST, decodeFloats, encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { FLOAT_DTYPES } from '../../../main/engine/checkpoint/safetensors-dtype.ts';
import { type QuantizedMatrix, dequantize } from '../../../main/engine/claq/quantized-matrix.ts';
import { encodeMatrix } from '../../../main/engine/result/encode-matrix.ts';
import { randomGridMatrix, randomMatrix } from './random-matrix.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

function isTable({ levels }: QuantizedMatrix): boolean {
  return levels.kind === 'codebook' && levels.rowScales === undefined;
}

describe.each(FLOAT_DTYPES)('a matrix in %s', (dtype) => {
  it('has the bytes of its dequantized weights, whatever its widths and reserved entries', () => {
    fc.assert(
      fc.property(seeds.map(randomMatrix).filter(isTable), (matrix) => {
        const weights = dequantize(matrix);
        const { bands, maxRounding } = encodeMatrix(matrix, dtype) ?? { bands: [], maxRounding: NaN };
        const bytes = Buffer.concat(Array.from(bands, ({ values }) => Buffer.from(values)));
        expect(Buffer.compare(bytes, encodeFloats(dtype, weights))).toBe(0);
        const rounded = new Float32Array(weights.length);
        decodeFloats(dtype, bytes, rounded);
        for (const [i, weight] of weights.entries()) {
          expect(Math.abs((rounded[i] ?? 0) - weight)).toBeLessThanOrEqual(maxRounding);
        }
      }),
    );
  });

  it('is not looked up where its weights are products, or beyond the dtype', () => {
    expect(encodeMatrix(randomGridMatrix(1), dtype)).toBeUndefined();
    const matrix = fc.sample(seeds.map(randomMatrix).filter(isTable), { numRuns: 1, seed: 1 })[0];
    if (matrix?.levels.kind !== 'codebook') throw new TypeError('no matrix of codebooks');
    const { levels } = matrix;
    const rowScales = new Float32Array(matrix.rows).fill(1);
    expect(encodeMatrix({ ...matrix, levels: { ...levels, rowScales } }, dtype)).toBeUndefined();
    for (const value of [NaN, Infinity, 2 * LARGEST[dtype]]) {
      const centroids = levels.centroids.with(0, value);
      expect(encodeMatrix({ ...matrix, levels: { ...levels, centroids } }, dtype)).toBeUndefined();
    }
  });
});
