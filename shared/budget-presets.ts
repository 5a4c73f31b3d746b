/** The paper's settings, and those between that its tables name. */
import { type Budget, budgetOfBits } from './budget.ts';

/** Which of the paper's two ways a budget goes: every column alike, AP, OR, or both. */
export const BUDGET_PARTS = ['single', 'AP', 'OR', 'AP+OR'] as const;
export type BudgetParts = (typeof BUDGET_PARTS)[number];

export function budgetParts({ precision, reservation }: Budget): BudgetParts {
  const adaptive = precision.low !== precision.high;
  if (reservation === undefined) return adaptive ? 'AP' : 'single';
  return adaptive ? 'AP+OR' : 'OR';
}

export interface BudgetPreset {
  /** Its name in the paper, and `bits` of a request. */
  readonly bits: number;
  readonly parts: BudgetParts;
  /** `AP 2.05: 2.5 % of columns at 4 bits, 97.5 % at 2. OR 0.07: 1.4 % reserved at each tail of 10 %, 0.4 % of the rest.` */
  readonly description: string;
}

export const PAPER_BITS = [2, 2.1, 2.12, 2.24, 2.5, 3, 3.12, 3.23, 4] as const;

export const BUDGET_PRESETS: readonly BudgetPreset[] = PAPER_BITS.map((bits) => {
  const budget = budgetOfBits(bits);
  return { bits, parts: budgetParts(budget), description: `${sentences(budget).join('. ')}.` };
});

function sentences({ precision, reservation }: Budget): string[] {
  const { low, high, average } = precision;
  const wide = percent((average - low) / (high - low));
  const widths =
    low === high
      ? `Every column at ${low} bits`
      : `AP ${average}: ${wide} % of columns at ${high} bits, ${Number((100 - wide).toFixed(2))} % at ${low}`;
  if (reservation === undefined) return [widths];
  const { nominalBits, headColumns, headShare, restShare } = reservation;
  return [
    widths,
    `OR ${nominalBits}: ${percent(headShare)} % reserved at each tail of ${percent(headColumns)} % of columns, ${percent(restShare)} % of the rest`,
  ];
}

/** Two decimals: shares that were scaled to bits have more digits than anybody set. */
function percent(share: number): number {
  return Number((100 * share).toFixed(2));
}
