/** What a model will take on the disk, known from its shapes and the choices alone, while these are being made. */
import { storedBits } from '../../shared/bits.ts';
import { describeBudget, nominalBits } from '../../shared/budget.ts';
import type { Method } from '../../shared/method.ts';
import { type ModelDescription, quantizedWeights } from '../../shared/model.ts';
import { plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { requestedBudget } from '../../shared/requested-budget.ts';
import type { BudgetRequest } from '../../shared/requests.ts';

export interface SizeChoices {
  readonly method: Method;
  readonly budget: BudgetRequest;
  readonly groupSize?: number | undefined;
}

export interface PlannedSize {
  /** `2.12 (AP 2.05 of {2,4} + OR 0.07)` */
  readonly label: string;
  readonly nominalBits: number;
  /** At most: the choice by benefit spends no more. */
  readonly storedBits: number;
  readonly packedBytes: number;
  /** Weights in the quantized matrices. */
  readonly weights: number;
}

/**
 * Bits and bytes of all quantized matrices, by the same sums as the packed files.
 * Throws ClaqError budget/out-of-range, budget/cannot-be-met, budget/contradiction.
 */
export function plannedSize(model: ModelDescription, choices: SizeChoices): PlannedSize {
  const { method, groupSize } = choices;
  const budget = requestedBudget(choices.budget);
  const packed = plannedPackedBytes(model, { method, budget, groupSize });
  const weights = quantizedWeights(model);
  return {
    label: describeBudget(budget),
    nominalBits: nominalBits(budget),
    storedBits: storedBits(packed, weights),
    packedBytes: packed,
    weights,
  };
}

const BYTES_OF_DTYPE: Readonly<Record<string, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 };

/** Bytes of the quantized matrices in the source model; null where its dtype is not one of the usual. */
export function sourceBytes(model: ModelDescription, dtype: string): number | null {
  const each = BYTES_OF_DTYPE[dtype];
  return each === undefined ? null : each * quantizedWeights(model);
}
