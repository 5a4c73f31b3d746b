/**
 * What the columns of a matrix take on one thread, by their width: seconds on the machine of docs/performance.md, fitted to
 * columns of 256, 1024 and 4096 entries (`optimal` and `grid`: within a third; `scikit` within a half). Other machines are so
 * many times as fast (Rates.codebooks, Rates.planning).
 */
import { hasUniformGrid } from '../../../shared/method.ts';
import type { Budget } from '../../../shared/budget.ts';
import { hasTechnique } from '../../../shared/plus.ts';
import { MEASURED_WIDTHS, RESERVED_SHARES } from '../../engine/claq/allocation.ts';
import type { MethodSettings } from '../../engine/claq/quantize-group.ts';

export interface ColumnMethod extends Pick<MethodSettings, 'method' | 'columnOrder' | 'plus'> {
  /** Of the column's matrix. */
  readonly budget: Budget;
}

/** Our codebooks: sorting and codes an entry, dynamic programme and Lloyd steps a column, of 1 to 8 bits. */
const ENTRY_SECONDS = 25e-9;
const CODEBOOK_SECONDS = [14e-6, 20e-6, 30e-6, 46e-6, 150e-6, 330e-6, 950e-6, 3e-3] as const;

/** scikit-learn's K-Means goes over all entries in every step: seconds an entry, of 1 to 8 bits. */
const SCIKIT_ENTRY_SECONDS = [170e-9, 290e-9, 450e-9, 600e-9, 1100e-9, 1900e-9, 3400e-9, 6e-6] as const;

/** A grid that is given. */
const GRID_ENTRY_SECONDS = 12e-9;

/** Errors at each width and share: entries once, and for each share a dynamic programme up to the highest width. */
const PLANNED_ENTRY_SECONDS = 15e-9;
const PLANNED_SHARE_OF_CODEBOOK = 0.65;
/** None, the budget's two, and twice each (benefit.ts); and those of an allocation over the model, up to the widest measured. */
const PLANNED_SHARES = 5;
const ALLOCATED_SHARES = RESERVED_SHARES.length;
const ALLOCATED_WIDTH = Math.max(...MEASURED_WIDTHS);

/** Codebook and codes of a column of `rows` entries, at the mean over the budget's widths. */
export function columnSeconds(rows: number, { method, budget }: ColumnMethod): number {
  const { low, high, average } = budget.precision;
  const wide = low === high ? 0 : (average - low) / (high - low);
  return (1 - wide) * secondsAt(low, rows, method) + wide * secondsAt(high, rows, method);
}

function secondsAt(width: number, rows: number, method: ColumnMethod['method']): number {
  switch (method) {
    case 'claq':
    case 'claq-plus':
      return ENTRY_SECONDS * rows + atWidth(CODEBOOK_SECONDS, width);
    case 'reference':
      return atWidth(SCIKIT_ENTRY_SECONDS, width) * rows;
    case 'gptq':
    case 'rtn':
      return GRID_ENTRY_SECONDS * rows;
  }
}

/** Errors of a column of `rows` entries, by which widths and shares are chosen; 0 where all columns get the same. */
export function planningSeconds(rows: number, plan: ColumnMethod): number {
  if (plan.plus !== undefined && hasTechnique(plan.plus, 'allocation')) {
    const programme = PLANNED_SHARE_OF_CODEBOOK * atWidth(CODEBOOK_SECONDS, ALLOCATED_WIDTH);
    return PLANNED_ENTRY_SECONDS * rows + ALLOCATED_SHARES * programme;
  }
  if (!choosesByBenefit(plan)) return 0;
  const { precision, reservation } = plan.budget;
  const shares = reservation === undefined ? 1 : PLANNED_SHARES;
  const programme = PLANNED_SHARE_OF_CODEBOOK * atWidth(CODEBOOK_SECONDS, precision.high);
  return PLANNED_ENTRY_SECONDS * rows + shares * programme;
}

function choosesByBenefit({ method, budget, columnOrder }: ColumnMethod): boolean {
  const { low, high } = budget.precision;
  return (
    !hasUniformGrid(method) &&
    method !== 'reference' &&
    columnOrder === 'benefit' &&
    (low !== high || budget.reservation !== undefined)
  );
}

function atWidth(seconds: readonly number[], width: number): number {
  const found = seconds[width - 1];
  if (found === undefined) throw new RangeError(`no column is ${width} bits wide`);
  return found;
}
