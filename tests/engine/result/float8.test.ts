import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FLOAT8_VALUES, float8Bytes, float8Values } from '../../../main/engine/result/float8.ts';

it('knows the numbers of the format', () => {
  // From the paper's table 1, and counted by hand: 0x45 is exponent 8 - 7, mantissa 5.
  expect(FLOAT8_VALUES[0x00]).toBe(0);
  expect(FLOAT8_VALUES[0x01]).toBe(2 ** -9);
  expect(FLOAT8_VALUES[0x07]).toBe(0.875 * 2 ** -6);
  expect(FLOAT8_VALUES[0x08]).toBe(2 ** -6);
  expect(FLOAT8_VALUES[0x38]).toBe(1);
  expect(FLOAT8_VALUES[0x45]).toBe(2 * 1.625);
  expect(FLOAT8_VALUES[0x7e]).toBe(448);
  expect(FLOAT8_VALUES[0xfe]).toBe(-448);
  expect([FLOAT8_VALUES[0x7f], FLOAT8_VALUES[0xff]]).toEqual([NaN, NaN]);
  expect(FLOAT8_VALUES[0x80]).toBe(-0);
});

it('gives back every number, both zeros too', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => (byte & 0x7f) !== 0x7f);
  expect(float8Bytes(float8Values(bytes))).toEqual(bytes);
});

it('refuses what is no number of the format', () => {
  for (const value of [0.3, 449, 2 ** -10, NaN, Infinity]) {
    expect(() => float8Bytes(Float32Array.of(1, value)), String(value)).toThrow(RangeError);
  }
  fc.assert(
    fc.property(fc.float({ noNaN: true }), (value) => {
      const isOne = FLOAT8_VALUES.includes(value);
      if (isOne) expect(float8Values(float8Bytes(Float32Array.of(value)))[0]).toBe(value);
      else expect(() => float8Bytes(Float32Array.of(value))).toThrow(RangeError);
    }),
  );
});
