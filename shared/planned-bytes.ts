/** Bytes of a model's packed matrices, known from shapes and budget before anything is computed. */
import { columnClasses, packedBytes, packedGridBytes, totalBytes } from './bits.ts';
import { authorsTails, type Budget, exactTails, planByOrder } from './budget.ts';
import type { Method } from './method.ts';
import { MATRIX_KINDS, type ModelDescription, matrixShape } from './model.ts';

export interface PlannedMethod {
  readonly method: Method;
  readonly budget: Budget;
  /** Columns that share a scale (gptq, rtn); undefined for the whole row. */
  readonly groupSize?: number | undefined;
}

/** Packed bytes of all matrices under the plan of any order; the choice by benefit spends at most as much. */
export function plannedPackedBytes(
  model: ModelDescription,
  { method, budget, groupSize }: PlannedMethod,
): number {
  const tails = method === 'reference' ? authorsTails : exactTails;
  const bytes = MATRIX_KINDS.map((kind) => {
    const shape = matrixShape(model, kind);
    if (method === 'gptq' || method === 'rtn') {
      return totalBytes(packedGridBytes(shape, budget.precision.average, groupSize ?? shape.columns));
    }
    // How many columns there are of each class does not depend on which columns they are.
    const anyOrder = Int32Array.from({ length: shape.columns }, (_, column) => column);
    return totalBytes(packedBytes(shape, columnClasses(planByOrder(anyOrder, shape.rows, budget, tails))));
  });
  return model.blocks * bytes.reduce((sum, each) => sum + each, 0);
}
