import { budgetOfBits } from '../shared/budget.ts';
import type { BenefitBudget } from '../shared/loss-profile.ts';

/** What curves by benefit are asked for to show the paper's settings. */
export const PAPER_BENEFIT_BUDGETS: readonly BenefitBudget[] = [2.12, 2, 2.1, 2.24, 2.5, 3, 3.12, 3.23].map(
  (bits) => {
    const { precision, reservation } = budgetOfBits(bits);
    const { headShare = 0, restShare = 0 } = reservation ?? {};
    return { low: precision.low, high: precision.high, headShare, restShare };
  },
);
