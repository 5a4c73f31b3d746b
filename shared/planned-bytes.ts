/** What a model's packed matrices come to, known from shapes and budget before anything is computed. */
import {
  type CodebookForm,
  type PackedBytes,
  packedBytes,
  packedGridBytes,
  plannedClasses,
  totalBytes,
} from './bits.ts';
import { type Budget, authorsTails, exactTails, nominalBits } from './budget.ts';
import { type Method, hasUniformGrid } from './method.ts';
import { type ModelBudget, budgetsOfKind } from './model-budget.ts';
import { type PlusChoices, hasTechnique } from './plus.ts';
import {
  MATRIX_KINDS,
  type MatrixShape,
  type ModelDescription,
  matrixShape,
  quantizedWeights,
} from './model.ts';

/** How matrices are written, beside their budget. */
export interface PlannedForm {
  readonly method: Method;
  /** Columns that share a scale (gptq, rtn); undefined for the whole row. */
  readonly groupSize?: number | undefined;
  /** Of claq-plus: what codebooks are written as changes the bytes of a budget, but where an allocation spends these anyway. */
  readonly plus?: Pick<PlusChoices, 'techniques'> | undefined;
}

export interface PlannedMethod extends PlannedForm {
  readonly budget: ModelBudget;
}

/** Packed bytes of a matrix under the plan of any order; the choice by benefit spends at most as much. */
export function plannedMatrixBytes(
  shape: MatrixShape,
  budget: Budget,
  { method, groupSize, plus }: PlannedForm,
): PackedBytes {
  if (hasUniformGrid(method)) {
    return packedGridBytes(shape, budget.precision.average, groupSize ?? shape.columns);
  }
  const form = plus === undefined || hasTechnique(plus, 'allocation') ? {} : codebookForm(plus);
  return packedBytes(shape, plannedClasses(shape, budget, countTailsOf({ method })), form);
}

/** How a method comes from the shares of tails to entries. */
export function countTailsOf({ method }: Pick<PlannedForm, 'method'>): typeof exactTails {
  return method === 'reference' ? authorsTails : exactTails;
}

/** How codebooks of these techniques are written. Bytes need scales: a byte tells few sizes apart, and all rows may have one scale. */
export function codebookForm(choices: Pick<PlusChoices, 'techniques'>): CodebookForm {
  const byteCodebooks = hasTechnique(choices, 'byte-codebooks');
  return { scaledRows: byteCodebooks || hasTechnique(choices, 'row-scales'), byteCodebooks };
}

/** Arrays of a matrix with a codebook a column, and with a uniform grid (docs/packed-format.md). */
const CODEBOOK_ARRAYS = 6;
const GRID_ARRAYS = 3;

/** Arrays of all matrices of a packed model together. */
export function packedArrays(
  { blocks }: Pick<ModelDescription, 'blocks'>,
  { method, plus }: PlannedForm,
): number {
  const { scaledRows = false, byteCodebooks = false } = plus === undefined ? {} : codebookForm(plus);
  const ofMatrix = hasUniformGrid(method)
    ? GRID_ARRAYS
    : CODEBOOK_ARRAYS + (scaledRows ? 1 : 0) + (byteCodebooks ? 1 : 0);
  return ofMatrix * MATRIX_KINDS.length * blocks;
}

/** Packed bytes of all matrices, likewise. */
export function plannedPackedBytes(model: ModelDescription, method: PlannedMethod): number {
  return sumOverBudgets(model, method.budget, (shape, budget) =>
    totalBytes(plannedMatrixBytes(shape, budget, method)),
  );
}

/** The paper's figure for a budget, averaged over the weights that it is for. */
export function plannedNominalBits(model: ModelDescription, budget: ModelBudget): number {
  if (budget.overrides.length === 0) return nominalBits(budget.base);
  const bits = sumOverBudgets(model, budget, ({ rows, columns }, each) => rows * columns * nominalBits(each));
  return bits / quantizedWeights(model);
}

function sumOverBudgets(
  model: ModelDescription,
  budget: ModelBudget,
  amount: (shape: MatrixShape, budget: Budget) => number,
): number {
  let sum = 0;
  for (const kind of MATRIX_KINDS) {
    const shape = matrixShape(model, kind);
    for (const [each, blocks] of budgetsOfKind(budget, kind, model.blocks)) {
      sum += blocks.length * amount(shape, each);
    }
  }
  return sum;
}
