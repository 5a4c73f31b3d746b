import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bfloatBits,
  decodeFloats,
  encodeFloats,
  firstNotFinite,
  firstOutOfRange,
} from '../../../main/engine/checkpoint/half-precision.ts';
import type { FloatDtype } from '../../../main/engine/checkpoint/safetensors-dtype.ts';

function decode(dtype: FloatDtype, bytes: Uint8Array): Float32Array {
  const floats = new Float32Array(bytes.length / (dtype === 'F32' ? 4 : 2));
  decodeFloats(dtype, bytes, floats);
  return floats;
}

function bytesOf(halves: readonly number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(halves).buffer);
}

function halvesOf(bytes: Uint8Array): number[] {
  return [...new Uint16Array(bytes.slice().buffer)];
}

/** numpy 2 and ml_dtypes 0.5 gave these bits for these float32. */
const VALUES = [1, 1.00390625, 1.01171875, -0.1, 3.3895313892515355e38, 1e-40, 65504, 0.333333333];
const BFLOATS = [0x3f80, 0x3f80, 0x3f82, 0xbdcd, 0x7f7f, 0x0001, 0x4780, 0x3eab];
const HALVES = [0x3c00, 0x3c04, 0x3c0c, 0xae66, 0x7c00, 0x0000, 0x7bff, 0x3555];

const ALL_HALVES = Array.from({ length: 65536 }, (_, bits) => bits);
const isNanHalf = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;
const isNanBfloat = (bits: number): boolean => (bits & 0x7fff) > 0x7f80;

describe('F16', () => {
  it('encodes as numpy does', () => {
    expect(halvesOf(encodeFloats('F16', Float32Array.from(VALUES)))).toEqual(HALVES);
  });

  it('decodes the corners exactly', () => {
    const bits = [0x0001, 0x03ff, 0x0400, 0x3c01, 0x7bff, 0x8000, 0xfbff, 0x7c00, 0xfc00];
    const values = [
      2 ** -24,
      1023 * 2 ** -24,
      2 ** -14,
      1 + 2 ** -10,
      65504,
      -0,
      -65504,
      Infinity,
      -Infinity,
    ];
    expect([...decode('F16', bytesOf(bits))]).toEqual(values);
  });

  it('brings every one of the 65536 halves back, NaN as NaN', () => {
    const floats = decode('F16', bytesOf(ALL_HALVES));
    const back = halvesOf(encodeFloats('F16', floats));
    expect(ALL_HALVES.filter((bits) => !isNanHalf(bits) && back[bits] !== bits)).toEqual([]);
    expect(ALL_HALVES.filter((bits) => isNanHalf(bits) !== Number.isNaN(floats[bits]))).toEqual([]);
  });
});

describe('BF16', () => {
  it('encodes as ml_dtypes does, rounding to nearest and ties to even', () => {
    expect(halvesOf(encodeFloats('BF16', Float32Array.from(VALUES)))).toEqual(BFLOATS);
  });

  it('decodes to the upper half of a float32', () => {
    const bits = [0x3f80, 0x3f81, 0x8000, 0x7f7f, 0x0001, 0xff80];
    const values = [1, 1.0078125, -0, 3.3895313892515355e38, 9.183549615799121e-41, -Infinity];
    expect([...decode('BF16', bytesOf(bits))]).toEqual(values);
  });

  it('brings every one of the 65536 bfloats back, NaN as NaN', () => {
    const floats = decode('BF16', bytesOf(ALL_HALVES));
    const back = halvesOf(encodeFloats('BF16', floats));
    expect(ALL_HALVES.filter((bits) => !isNanBfloat(bits) && back[bits] !== bits)).toEqual([]);
    expect(ALL_HALVES.filter((bits) => isNanBfloat(bits) !== Number.isNaN(floats[bits]))).toEqual([]);
    expect(ALL_HALVES.filter((bits) => isNanBfloat(bits) && !isNanBfloat(back[bits] ?? 0))).toEqual([]);
  });

  it('keeps a NaN whose payload lies in the lower half only', () => {
    expect(bfloatBits(0x7f800001)).toBe(0x7fc0);
    expect(bfloatBits(0xff80ffff)).toBe(0xffc0);
  });

  it('rounds to the nearer neighbour, to the even one in the middle', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const [stored = NaN] = decode('BF16', encodeFloats('BF16', Float32Array.of(value)));
        const [bits = 0] = new Uint32Array(Float32Array.of(value).buffer);
        const neighbours = [bits >>> 16, (bits >>> 16) + 1].map((upper) => ({
          upper,
          value: decode('BF16', bytesOf([upper]))[0] ?? NaN,
        }));
        // 2^128 is what the neighbour beyond the largest value would be.
        const distance = (other: number): number =>
          Math.abs((Number.isFinite(other) ? other : Math.sign(other) * 2 ** 128) - value);
        const [below, above] = neighbours.map((neighbour) => distance(neighbour.value));
        const nearest =
          (below ?? 0) === (above ?? 0) ? (bits >>> 16) & 1 : Number((above ?? 0) < (below ?? 0));
        return Object.is(stored, neighbours[nearest]?.value);
      }),
      { numRuns: 2000 },
    );
  });
});

it('reads halves that begin at an odd byte', () => {
  const bytes = Uint8Array.of(0xee, 0x00, 0x3c, 0x00, 0xc0).subarray(1);
  expect([...decode('F16', bytes)]).toEqual([1, -2]);
});

it('copies F32 both ways', () => {
  const values = Float32Array.of(1.1, -0, 3e38);
  expect([...decode('F32', encodeFloats('F32', values))]).toEqual([...values]);
});

it('finds the first value that is not finite or out of range', () => {
  expect(firstNotFinite(Float32Array.of(0, 3e38, -0, 1e-45))).toBe(-1);
  expect(firstNotFinite(Float32Array.of(1, 2, -Infinity, NaN))).toBe(2);
  expect(firstNotFinite(Float32Array.of(NaN))).toBe(0);
  expect(firstOutOfRange('F16', Float32Array.of(65504, -65504))).toBe(-1);
  expect(firstOutOfRange('F16', Float32Array.of(1, -65504.01))).toBe(1);
  expect(firstOutOfRange('BF16', Float32Array.of(3.3895313892515355e38, 3.4e38))).toBe(1);
  expect(firstOutOfRange('F32', Float32Array.of(3.4e38))).toBe(-1);
});
