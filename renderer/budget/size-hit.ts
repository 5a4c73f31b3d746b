/** "Hit this size" as the screen asks it, and what comes of it: a budget, or why not and what is nearest. */
import { ClaqError } from '../../shared/errors.ts';
import {
  type Move,
  type SizeHit,
  type SizeTarget,
  type TargetKind,
  hitTarget,
  reachableSizes,
} from '../../shared/hit-size.ts';
import type { ModelCard } from '../../shared/library.ts';
import type { KeptTensors } from '../../shared/model-bytes.ts';
import type { PlannedForm } from '../../shared/planned-bytes.ts';
import { readableBytes } from '../../shared/readable-quantities.ts';
import { type BudgetDraft, choicesOf } from './budget-draft.ts';
import { type BudgetNumbers, movableRequest, numbersOf } from './budget-numbers.ts';

export interface TargetWords {
  readonly label: string;
  readonly unit: string;
  readonly hint: string;
  /** From what is typed to the target's value. */
  readonly scale: number;
}

export const TARGET_WORDS: Readonly<Record<TargetKind, TargetWords>> = {
  bytes: {
    label: 'Size',
    unit: 'GB',
    hint: 'The whole model on the disk, embeddings and norms too',
    scale: 1e9,
  },
  'stored-bits': {
    label: 'Stored',
    unit: 'bits',
    hint: 'Every byte of the packed matrices by the weights',
    scale: 1,
  },
  'nominal-bits': { label: 'Nominal', unit: 'bits', hint: 'As the paper counts', scale: 1 },
};

export const MOVE_WORDS: Readonly<Record<Move, string>> = { ap: 'AP’s average', or: 'OR’s shares' };

export type SizeAnswer =
  | { readonly kind: 'hit'; readonly numbers: BudgetNumbers; readonly reached: string }
  | {
      readonly kind: 'not-met';
      readonly why: string;
      /** Undefined where there is nothing to move. */
      readonly nearest: { readonly numbers: BudgetNumbers; readonly reached: string } | undefined;
    };

/**
 * @param known what is not quantized as the model's files have it, and how the run writes its matrices, where that is known
 * Throws ClaqError budget/out-of-range, budget/contradiction for a draft that is none.
 */
export function answerSize(
  { description, dtype }: Pick<ModelCard, 'description' | 'dtype'>,
  draft: BudgetDraft,
  target: SizeTarget,
  move: Move,
  known: { readonly kept?: KeptTensors | undefined; readonly form?: PlannedForm | undefined } = {},
): SizeAnswer {
  const { overrides } = choicesOf(draft);
  const choices = { budget: movableRequest(draft.numbers), overrides, ...known };
  const taken = ({ budget, reached }: SizeHit) => ({
    numbers: numbersOf(budget, draft.numbers),
    reached: sizeText(target.kind, reached),
  });
  try {
    return { kind: 'hit', ...taken(hitTarget(description, dtype, choices, target, move)) };
  } catch (error) {
    if (!(error instanceof ClaqError) || error.code !== 'budget/cannot-be-met') throw error;
    const [smallest, largest] = reachable() ?? [];
    const nearest = smallest !== undefined && target.value < smallest.reached ? smallest : largest;
    const range = error.expected === undefined ? '' : `: it goes ${error.expected}`;
    return {
      kind: 'not-met',
      why: `${error.message}${nearest === undefined ? '' : range}.`,
      nearest: nearest === undefined ? undefined : taken(nearest),
    };
  }

  function reachable(): ReturnType<typeof reachableSizes> | undefined {
    try {
      return reachableSizes(description, dtype, choices, target.kind, move);
    } catch (error) {
      if (error instanceof ClaqError) return undefined;
      throw error;
    }
  }
}

/** `1.83 GB`, `2.250 bits` */
export function sizeText(kind: TargetKind, value: number): string {
  return kind === 'bytes' ? readableBytes(value) : `${value.toFixed(3)} bits`;
}
