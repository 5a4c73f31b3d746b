/** The bytes that an allocation may spend: what its matrices would take under the budget that they share. */
import { totalBytes } from '../../../shared/bits.ts';
import { type Budget, MIN_WIDTH, budgetOfBits, describeBudget } from '../../../shared/budget.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { matrixBudget } from '../../../shared/model-budget.ts';
import {
  MATRIX_KINDS,
  type MatrixKind,
  type MatrixShape,
  type ModelDescription,
  matrixShape,
} from '../../../shared/model.ts';
import { type PlannedForm, plannedMatrixBytes } from '../../../shared/planned-bytes.ts';
import { readableBytes } from '../../../shared/readable-quantities.ts';
import type { MethodSettings } from './quantize-group.ts';

interface SharingMatrix extends MatrixShape {
  readonly block: number;
  readonly kind: MatrixKind;
}

export interface SharedBudget {
  readonly budget: Budget;
  /** Blocks in order, in a block in the order of MATRIX_KINDS. */
  readonly matrices: readonly SharingMatrix[];
  /** To be spent on all of them together. */
  readonly bytes: number;
  /** A bit a weight, and the scales of rows where there are any. */
  readonly leastBytes: number;
}

/** One for each budget that matrices have. */
export function sharedBudgets(
  model: ModelDescription,
  { budget, method, plus }: Pick<MethodSettings, 'budget' | 'method' | 'plus'>,
): SharedBudget[] {
  const all = Array.from({ length: model.blocks }, (_, block) =>
    MATRIX_KINDS.map((kind) => ({ block, kind, ...matrixShape(model, kind) })),
  ).flat();
  const techniques = plus?.techniques.filter((technique) => technique !== 'allocation') ?? [];
  const least: PlannedForm = { method, plus: { techniques } };
  const shares = Array.from(
    Map.groupBy(all, ({ block, kind }) => matrixBudget(budget, block, kind)),
    ([own, matrices]) => ({
      budget: own,
      matrices,
      bytes: sum(matrices, (shape) => totalBytes(plannedMatrixBytes(shape, own, { method }))),
      leastBytes: sum(matrices, (shape) =>
        totalBytes(plannedMatrixBytes(shape, budgetOfBits(MIN_WIDTH), least)),
      ),
    }),
  );
  const asked = plus?.bytes;
  if (asked === undefined) return shares;
  // Overrides have what they come to; what is asked for more or less is the others'.
  const more = asked - shares.reduce((total, { bytes }) => total + bytes, 0);
  return shares.map((share) =>
    share.budget === budget.base ? { ...share, bytes: share.bytes + more } : share,
  );
}

function sum(matrices: readonly SharingMatrix[], amount: (shape: MatrixShape) => number): number {
  return matrices.reduce((total, shape) => total + amount(shape), 0);
}

/**
 * Before hours are spent on what an allocation weighs. Throws ClaqError budget/cannot-be-met.
 * @param where the options that asked for the budget
 */
export function requireRoom({ budget, bytes, leastBytes, matrices }: SharedBudget, where: string): void {
  if (leastBytes <= bytes) return;
  throw new ClaqError('budget/cannot-be-met', 'The budget is too small to allocate', {
    where,
    expected: `at least ${readableBytes(leastBytes)}: a bit for each weight, and what goes with columns and rows`,
    found: `${readableBytes(bytes)} for ${matrices.length} matrices of ${describeBudget(budget)}`,
    remedy: 'ask for a little more, or leave row-scales and byte-codebooks out of --plus',
  });
}
