import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeQ8_0 } from '../../../../main/engine/checkpoint/gguf/blocks-of-32.ts';
import {
  LARGEST_Q8_VALUE,
  encodeQ8,
  firstBeyondQ8,
  q8Bounds,
} from '../../../../main/engine/export/gguf/q8-blocks.ts';

const floats = fc
  .array(fc.float({ noNaN: true, noDefaultInfinity: true, max: 2 ** 22, min: -(2 ** 22) }), {
    minLength: 32,
    maxLength: 32,
  })
  .chain((values) => fc.integer({ min: -24, max: 0 }).map((e) => values.map((value) => value * 2 ** e)));

function decoded(bytes: Uint8Array, length: number): Float32Array {
  const values = new Float32Array(length);
  decodeQ8_0(bytes, values);
  return values;
}

describe('encodeQ8', () => {
  it('gives the bytes of the Python package gguf, of large and of subnormal scales', () => {
    const values = Float32Array.from({ length: 64 }, (_, i) =>
      i === 40 ? 0 : (((i * 37) % 64) - 31) * 0.0173 * (i < 32 ? 1 : 1e-4),
    );
    // gguf.quants.quantize(values, Q8_0) of gguf 0.19.0
    const expected =
      '771c8518ad3fd467fc9124b94be073089d30c457ec7f14a93cd063f88d20b547dc6f' +
      '070004952dbe56e77f100039cb62f4851dae46d76f009129ba52e37b0c9e35c75ef0';
    expect(Buffer.from(encodeQ8(values)).toString('hex')).toBe(expected);
  });

  it('rounds halves away from zero, as C does', () => {
    const values = new Float32Array(32);
    values.set([127, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5]);
    expect([...new Int8Array(encodeQ8(values).buffer).subarray(2, 9)]).toEqual([127, 1, -1, 2, -2, 3, -3]);
  });

  it('keeps a block of zeros', () => {
    expect([...decoded(encodeQ8(new Float32Array(32)), 32)]).toEqual(new Array(32).fill(0));
  });

  it('stays within its bounds', () => {
    fc.assert(
      fc.property(floats, (numbers) => {
        const values = Float32Array.from(numbers);
        const [bound = NaN] = q8Bounds(values);
        const stored = decoded(encodeQ8(values), 32);
        for (const [i, value] of values.entries()) {
          expect(Math.abs((stored[i] ?? NaN) - value)).toBeLessThanOrEqual(bound);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('q8Bounds', () => {
  it('is half a step, and what rounding the scale costs the largest code', () => {
    // A step of 1 is a half; one of 1.0001 is rounded to 1, which the code 127 feels 127 times.
    const exact = new Float32Array(32).fill(127);
    const rounded = new Float32Array(32).fill(127.0127);
    expect(q8Bounds(exact)[0]).toBeCloseTo(0.5, 3);
    expect(q8Bounds(rounded)[0]).toBeCloseTo(0.5 + 0.0127, 3);
  });
});

describe('firstBeyondQ8', () => {
  it('finds the first value whose scale would be infinite', () => {
    const values = new Float32Array([LARGEST_Q8_VALUE, -LARGEST_Q8_VALUE, -LARGEST_Q8_VALUE * 1.01]);
    expect(firstBeyondQ8(values)).toBe(2);
    expect(firstBeyondQ8(values.subarray(0, 2))).toBe(-1);
  });
});
