import { describe, expect, it } from 'vitest';
import {
  readableBytes,
  readableDuration,
  readablePercent,
  threeFigures,
} from '../../shared/readable-quantities.ts';

describe('readable quantities', () => {
  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1.00 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [269_060_552, '269 MB'],
    [13_476_925_163, '13.5 GB'],
    [5e15, '5000 TB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(readableBytes(bytes)).toBe(text);
  });

  it.each([
    [0.4, '0 s'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3599.7, '1 h 00 min'],
    [7620, '2 h 07 min'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(readableDuration(seconds)).toBe(text);
  });

  it.each([
    [0, '0 %'],
    [0.0000012345, '0.00012 %'],
    [0.00347, '0.347 %'],
    [0.12345, '12.3 %'],
    [1, '100 %'],
  ])('a ratio of %d is %s', (ratio, text) => {
    expect(readablePercent(ratio)).toBe(text);
  });

  it.each([
    [0.123, '0.12'],
    [9.996, '10.0'],
    [12.34, '12.3'],
    [99.96, '100'],
    [1234.5, '1235'],
  ])('%d has the three figures %s', (value, text) => {
    expect(threeFigures(value)).toBe(text);
  });
});
