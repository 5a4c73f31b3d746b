import { expect, it } from 'vitest';
import {
  readableCount,
  readableFlopRate,
  readableFlops,
} from '../../../main/service/preflight/count-text.ts';

it('names counts in three figures', () => {
  expect(readableCount(512, 'weights')).toBe('512 weights');
  expect(readableCount(106_168_320, 'weights')).toBe('106 M weights');
  expect(readableCount(6_476_005_376, 'weights')).toBe('6.48 G weights');
  expect(readableCount(999_600, 'weights')).toBe('1.00 M weights');
});

it('names operations, and operations a second', () => {
  expect(readableFlops(3.5e12)).toBe('3.50 TFLOP');
  expect(readableFlopRate(3.5e12, 26.5)).toBe('132 GFLOPS');
});
