/** How budgets and their parts are called. */
import type { BudgetParts } from '../../shared/budget-presets.ts';
import { describeBudget } from '../../shared/budget.ts';
import type { ColumnOrder } from '../../shared/method.ts';
import { requestedBudget } from '../../shared/requested-budget.ts';
import type { BudgetChoices } from '../../shared/requests.ts';
import { type BudgetNumbers, bitsOf, requestOf } from './budget-numbers.ts';
import { type BudgetDraft, draftOf, type OverrideDraft } from './budget-draft.ts';

export const PARTS_WORDS: Readonly<
  Record<BudgetParts, { readonly label: string; readonly meaning: string }>
> = {
  single: { label: 'Single', meaning: 'One width for all columns' },
  AP: { label: 'AP', meaning: 'Adaptive precision: the first columns are wider' },
  OR: { label: 'OR', meaning: 'Outlier reservation: columns keep their tails' },
  'AP+OR': { label: 'AP + OR', meaning: 'The first columns are wider, all keep their tails' },
};

export const ORDER_WORDS: Readonly<
  Record<ColumnOrder, { readonly label: string; readonly meaning: string }>
> = {
  outlier: { label: 'Outlier Order', meaning: 'Most outliers first: the paper’s rule' },
  benefit: { label: 'Benefit', meaning: 'Bits go where they take most off the loss' },
};

/** `2.5 %`: two decimals at most. */
export function shareWords(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}

/** `2.12` with what is in it: `2.12 (AP 2.05 of {2,4} + OR 0.07)`. */
export function numbersWords(numbers: BudgetNumbers): string {
  return describeBudget(requestedBudget(requestOf(numbers)));
}

/** `Layers 0-3, v and o`; `All layers, v`. */
export function scopeWords({ layers, matrices }: Pick<OverrideDraft, 'layers' | 'matrices'>): string {
  const which = layers === '' ? 'All layers' : /[-,]/.test(layers) ? `Layers ${layers}` : `Layer ${layers}`;
  return matrices.length === 0 ? which : `${which}, ${listed(matrices)}`;
}

/** `2.12 with 2 overrides`; the budget's parts where it has no name of its own. */
export function draftWords({ numbers, overrides }: Pick<BudgetDraft, 'numbers' | 'overrides'>): string {
  const base = String(bitsOf(numbers) ?? numbersWords(numbers));
  if (overrides.length === 0) return base;
  return `${base} with ${overrides.length} ${overrides.length === 1 ? 'override' : 'overrides'}`;
}

function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/** A budget of a file or of the service, as a draft is called: `2.12 with 1 override, S 13`. */
export function savedWords(choices: BudgetChoices): string {
  const draft = draftOf(choices);
  return `${draftWords(draft)}, S ${draft.s}, ${ORDER_WORDS[draft.columnOrder].label}`;
}
