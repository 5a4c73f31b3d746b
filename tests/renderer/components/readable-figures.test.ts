import { describe, expect, it } from 'vitest';
import {
  alignedPercent,
  readableBits,
  readableChange,
  readableCount,
  readablePerplexity,
} from '../../../renderer/components/readable-figures.ts';

describe('figures', () => {
  it('writes counts with three figures', () => {
    expect([0, 999, 1470, 134_515_008, 6_738_415_616, 999_600].map(readableCount)).toEqual([
      '0',
      '999',
      '1.47 k',
      '135 M',
      '6.74 B',
      '1.00 M',
    ]);
  });

  it('writes perplexities so that budgets can be told apart', () => {
    expect([5.4721, 19.6, 99.994, 412.7, 123_456.7].map(readablePerplexity)).toEqual([
      '5.47',
      '19.60',
      '99.99',
      '413',
      '123457',
    ]);
  });

  it('writes shares that stand under each other with the same decimals', () => {
    expect([0.002_03, 0.0019, 0, 0.123_456].map(alignedPercent)).toEqual([
      '0.203 %',
      '0.190 %',
      '0.000 %',
      '12.346 %',
    ]);
  });

  it('writes bits and changes', () => {
    expect(readableBits(2.4536)).toBe('2.45');
    expect(readableChange(20, 20.7)).toBe('+3.50 %');
    expect(readableChange(20, 19)).toBe('\u22125.00 %');
  });
});
