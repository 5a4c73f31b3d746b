import { describe, expect, it } from 'vitest';
import { columnSeconds, planningSeconds } from '../../../main/service/preflight/column-costs.ts';
import { MAX_WIDTH, MIN_WIDTH, budgetOfBits, singlePrecision } from '../../../shared/budget.ts';
import type { Method } from '../../../shared/method.ts';

const plan = (
  bits: number,
  method: Method = 'claq',
): { method: Method; budget: ReturnType<typeof budgetOfBits>; columnOrder: 'benefit' } => ({
  method,
  budget: budgetOfBits(bits),
  columnOrder: 'benefit',
});

describe('seconds of a column', () => {
  it('of 1000 entries', () => {
    expect(columnSeconds(1000, plan(2))).toBeCloseTo(45e-6, 12);
    expect(columnSeconds(1000, plan(4))).toBeCloseTo(71e-6, 12);
    // Half of the columns at 3 bits, half at 4.
    expect(columnSeconds(1000, plan(3.5))).toBeCloseTo((55e-6 + 71e-6) / 2, 12);
    expect(columnSeconds(1000, plan(2, 'reference'))).toBeCloseTo(290e-6, 12);
    expect(columnSeconds(1000, plan(4, 'gptq'))).toBeCloseTo(12e-6, 12);
  });

  it('grow with the width, but for a grid', () => {
    for (let width = MIN_WIDTH; width < MAX_WIDTH; width++) {
      for (const method of ['claq', 'reference'] as const) {
        const at = (precision: number): number =>
          columnSeconds(1000, {
            method,
            budget: { precision: singlePrecision(precision), reservation: undefined },
            columnOrder: 'outlier',
          });
        expect(at(width + 1)).toBeGreaterThan(at(width));
      }
    }
  });

  it('of the choice by benefit are of one share, or of five with reserved entries', () => {
    expect(planningSeconds(1000, plan(2.1))).toBeCloseTo(15e-6 + 0.65 * 46e-6, 12);
    expect(planningSeconds(1000, plan(2.12))).toBeCloseTo(15e-6 + 5 * 0.65 * 46e-6, 12);
    expect(planningSeconds(1000, plan(2.12, 'reference'))).toBe(0);
  });
});
