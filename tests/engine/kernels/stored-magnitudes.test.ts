import { describe, expect, it } from 'vitest';
import { magnitudeOf, smallestPattern } from '../../../main/engine/kernels/stored-magnitudes.ts';

describe('smallestPattern', () => {
  it.each([
    ['F32', 1, 0x3f800000],
    ['F32', 1 + 2 ** -30, 0x3f800001],
    ['F32', 2 ** -149, 1],
    ['F16', 1, 0x3c00],
    ['F16', 1 + 2 ** -20, 0x3c01],
    ['F16', 2 ** -24, 1],
    ['F16', 2 ** -30, 1],
    ['F16', 65504, 0x7bff],
    ['BF16', 1, 0x3f80],
    ['BF16', 1.001, 0x3f81],
  ] as const)('%s: the first magnitude of at least %d', (dtype, threshold, pattern) => {
    expect(smallestPattern(dtype, threshold)).toBe(pattern);
  });

  it.each([
    ['F32', 3.41e38, 0x7f800000],
    ['F16', 65504.01, 0x7c00],
    ['BF16', 3.4e38, 0x7f80],
  ] as const)('%s: infinity beyond the largest finite magnitude, %d', (dtype, threshold, infinity) => {
    expect(smallestPattern(dtype, threshold)).toBe(infinity);
    expect(magnitudeOf(dtype, infinity)).toBe(Infinity);
  });

  it('is 0 for a threshold of 0', () => {
    expect(smallestPattern('F16', 0)).toBe(0);
  });
});
