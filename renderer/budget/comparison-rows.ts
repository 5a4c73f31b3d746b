/** The figures of two budgets side by side. */
import type { BudgetPreview } from '../../shared/budget-preview.ts';
import { readableBytes } from '../../shared/readable-quantities.ts';
import { figures } from '../charts/matrix-quantities.ts';
import { readableChange } from '../components/readable-figures.ts';

export interface ComparisonRow {
  readonly label: string;
  readonly a: string;
  readonly b: string;
  /** B against A, with its sign; empty where nothing changes. */
  readonly difference: string;
}

export interface ComparedBudget {
  readonly preview: BudgetPreview;
  /** Undefined where it is not known. */
  readonly loss: number | undefined;
}

export function comparisonRows(a: ComparedBudget, b: ComparedBudget): ComparisonRow[] {
  const row = (label: string, of: (budget: ComparedBudget) => number, text: (value: number) => string) => {
    const [before, after] = [of(a), of(b)];
    return {
      label,
      a: text(before),
      b: text(after),
      difference: before === after ? '' : before === 0 ? `+${text(after)}` : readableChange(before, after),
    };
  };
  const { loss } = a;
  const other = b.loss;
  // By benefit a run spends the bits its own way: nothing is known of its reserved entries, and of its bytes the most.
  const isExact = [a, b].every(({ preview }) => preview.certainty === 'exact');
  const atMost = isExact ? '' : ', at most';
  return [
    row(
      'Nominal bits',
      ({ preview }) => preview.nominalBits,
      (bits) => bits.toFixed(3),
    ),
    row(
      `Stored bits${atMost}`,
      ({ preview }) => preview.storedBits,
      (bits) => bits.toFixed(3),
    ),
    row(`Packed matrices${atMost}`, ({ preview }) => preview.packedBytes, readableBytes),
    ...(isExact
      ? [
          row(
            'Reserved entries',
            ({ preview }) => preview.reserved.entries,
            (count) => count.toLocaleString('en'),
          ),
        ]
      : []),
    ...(loss === undefined || other === undefined
      ? []
      : [row('Predicted loss', (budget) => (budget === a ? loss : other), figures)]),
  ];
}
