import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFloats, encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { FLOAT_DTYPES } from '../../../main/engine/checkpoint/safetensors-dtype.ts';
import { dequantize } from '../../../main/engine/claq/quantized-matrix.ts';
import { encodeMatrix } from '../../../main/engine/result/encode-matrix.ts';
import { randomGridMatrix, randomMatrix } from './random-matrix.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe.each(FLOAT_DTYPES)('a matrix in %s', (dtype) => {
  it('has the bytes of its dequantized weights, whatever its widths, reserved entries and row scales', () => {
    fc.assert(
      fc.property(seeds, fc.boolean(), (seed, onGrid) => {
        const matrix = onGrid ? randomGridMatrix(seed) : randomMatrix(seed);
        const weights = dequantize(matrix);
        const { bytes, maxMagnitude, maxRounding } = encodeMatrix(matrix, dtype);
        expect(Buffer.compare(bytes, encodeFloats(dtype, weights))).toBe(0);
        const rounded = new Float32Array(weights.length);
        decodeFloats(dtype, bytes, rounded);
        for (const [i, weight] of weights.entries()) {
          expect(Math.abs((rounded[i] ?? 0) - weight)).toBeLessThanOrEqual(maxRounding);
        }
        for (const weight of weights) expect(Math.abs(weight)).toBeLessThanOrEqual(maxMagnitude);
      }),
    );
  });
});
