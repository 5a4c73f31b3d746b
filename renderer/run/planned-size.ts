/** What a model will take on the disk, known from its shapes and the choices alone, while these are being made. */
import { storedBits } from '../../shared/bits.ts';
import type { Method } from '../../shared/method.ts';
import { describeModelBudget } from '../../shared/model-budget.ts';
import { type ModelDescription, quantizedWeights } from '../../shared/model.ts';
import { bytesOfDtype } from '../../shared/model-bytes.ts';
import type { PlusChoices } from '../../shared/plus.ts';
import { plannedNominalBits, plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import type { BudgetOverrideRequest, BudgetRequest } from '../../shared/requests.ts';

export interface SizeChoices {
  readonly method: Method;
  readonly budget: BudgetRequest;
  readonly overrides?: readonly BudgetOverrideRequest[];
  readonly groupSize?: number | undefined;
  readonly plus?: Pick<PlusChoices, 'techniques' | 'bytes'> | undefined;
}

export interface PlannedSize {
  /** `2.12 (AP 2.05 of {2,4} + OR 0.07)` */
  readonly label: string;
  readonly nominalBits: number;
  /** At most: the choice by benefit and the allocation over the model spend no more. */
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
  const { method, groupSize, plus, overrides = [] } = choices;
  const budget = requestedModelBudget({ budget: choices.budget, overrides }, model.blocks);
  const allocated =
    method === 'claq-plus' && plus?.techniques.includes('allocation') ? plus.bytes : undefined;
  const packed = allocated ?? plannedPackedBytes(model, { method, budget, groupSize, plus });
  const weights = quantizedWeights(model);
  return {
    label: describeModelBudget(budget),
    nominalBits: plannedNominalBits(model, budget),
    storedBits: storedBits(packed, weights),
    packedBytes: packed,
    weights,
  };
}

/** Bytes of the quantized matrices in the source model; null where its dtype is not one of the usual. */
export function sourceBytes(model: ModelDescription, dtype: string): number | null {
  const each = bytesOfDtype(dtype);
  return each === undefined ? null : each * quantizedWeights(model);
}
