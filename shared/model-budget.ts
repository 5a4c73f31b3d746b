/** A budget for a whole model: one for all matrices, and others for some of them. */
import { type Budget, describeBudget } from './budget.ts';
import type { MatrixKind } from './model.ts';

/** Blocks [from, to], both included. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

/** A budget of its own for some matrices. */
export interface BudgetOverride {
  /** Undefined for all layers. */
  readonly layers: readonly LayerRange[] | undefined;
  /** Undefined for all kinds. */
  readonly matrices: readonly MatrixKind[] | undefined;
  readonly budget: Budget;
}

export interface ModelBudget {
  readonly base: Budget;
  /** In the order in which they were written: of several that match a matrix the last one holds. */
  readonly overrides: readonly BudgetOverride[];
}

/** The same budget for every matrix. */
export function budgetForAll(base: Budget): ModelBudget {
  return { base, overrides: [] };
}

/** The budget of one matrix. */
export function matrixBudget({ base, overrides }: ModelBudget, block: number, kind: MatrixKind): Budget {
  return overrideOf(overrides, block, kind)?.budget ?? base;
}

function overrideOf(
  overrides: readonly BudgetOverride[],
  block: number,
  kind: MatrixKind,
): BudgetOverride | undefined {
  return overrides.findLast(({ layers, matrices }) => {
    const inLayers = layers?.some(({ from, to }) => from <= block && block <= to) ?? true;
    return inLayers && (matrices?.includes(kind) ?? true);
  });
}

/** Blocks by the override that holds there; undefined where none does. */
type BlocksOfOverrides = ReadonlyMap<BudgetOverride | undefined, readonly number[]>;

/** By `kind blocks`. A curve or a search asks for the same overrides with one base after another. */
const blocksKnown = new WeakMap<readonly BudgetOverride[], Map<string, BlocksOfOverrides>>();

function blocksOfOverrides(
  overrides: readonly BudgetOverride[],
  kind: MatrixKind,
  blocks: number,
): BlocksOfOverrides {
  const known = blocksKnown.get(overrides) ?? new Map<string, BlocksOfOverrides>();
  blocksKnown.set(overrides, known);
  const key = `${kind} ${blocks}`;
  const found = known.get(key) ?? groupBlocks(overrides, kind, blocks);
  known.set(key, found);
  return found;
}

function groupBlocks(
  overrides: readonly BudgetOverride[],
  kind: MatrixKind,
  blocks: number,
): BlocksOfOverrides {
  const all = Array.from({ length: blocks }, (_, block) => block);
  return Map.groupBy(all, (block) => overrideOf(overrides, block, kind));
}

/** The budgets that the matrices of a kind have, and in which blocks each: few, however many blocks there are. */
export function budgetsOfKind(
  { base, overrides }: ModelBudget,
  kind: MatrixKind,
  blocks: number,
): ReadonlyMap<Budget, readonly number[]> {
  const found = blocksOfOverrides(overrides, kind, blocks);
  return new Map(Array.from(found, ([override, where]) => [override?.budget ?? base, where]));
}

/** `2.12 (AP 2.05 of {2,4} + OR 0.07), 2 overrides`, for people. */
export function describeModelBudget({ base, overrides }: ModelBudget): string {
  const count = overrides.length;
  if (count === 0) return describeBudget(base);
  return `${describeBudget(base)}, ${count} ${count === 1 ? 'override' : 'overrides'}`;
}
