/** Two plans of a model beside each other: which columns get more, and which less. */
import type { ColumnClass } from './bits.ts';
import { type ColumnPlan, type PlanZone, planByOrder, planZones } from './budget.ts';
import { type ModelBudget, matrixBudget } from './model-budget.ts';
import {
  MATRIX_KINDS,
  type MatrixKind,
  type MatrixShape,
  type ModelDescription,
  matrixShape,
} from './model.ts';
import { type ForetoldColumns } from './foretold-columns.ts';
import { uint16Of, uint32Of, uint8Of } from './number-text.ts';
import type { OutlierOrders } from './statistics.ts';

/** A budget, and the orders of columns that it follows. */
export interface OrderedBudget {
  readonly budget: ModelBudget;
  /** Of every matrix, block by block, in a block in the order of MATRIX_KINDS: its columns, best first. */
  readonly orders: readonly Int32Array[];
}

/** What the columns of a matrix get, however that was decided. */
export interface ColumnGrants {
  readonly widths: Uint8Array;
  /** Reserved entries of both tails. */
  readonly reserved: Uint32Array;
}

/** What a run is foretold to give the columns of every matrix, block by block, in a block in the order of MATRIX_KINDS. */
export interface ForetoldBudget {
  readonly matrices: readonly ColumnGrants[];
}

export type ComparedBudget = OrderedBudget | ForetoldBudget;

export interface MatrixChange {
  readonly block: number;
  readonly kind: MatrixKind;
  /** Columns of the matrix, and of these: wider, narrower, with more and with fewer reserved entries than before. */
  readonly columns: number;
  readonly wider: number;
  readonly narrower: number;
  readonly moreReserved: number;
  readonly fewerReserved: number;
}

/** A matrix column by column. */
export interface ColumnChanges {
  /** Bits more than before; negative for fewer. */
  readonly widths: Int8Array;
  /** Reserved entries more than before, of both tails; negative for fewer. */
  readonly reserved: Int32Array;
}

/** The orders of all matrices, one by one. */
export function decodeOrders(model: ModelDescription, { columns }: OutlierOrders): Int32Array[] {
  const all = uint16Of(columns);
  return columnRanges(model).map(([from, to]) => Int32Array.from(all.subarray(from, to)));
}

export function decodeForetold(
  model: ModelDescription,
  { widths, reserved }: Pick<ForetoldColumns, 'widths' | 'reserved'>,
): ForetoldBudget {
  const [allWidths, allReserved] = [uint8Of(widths), uint32Of(reserved)];
  return {
    matrices: columnRanges(model).map(([from, to]) => ({
      widths: allWidths.subarray(from, to),
      reserved: allReserved.subarray(from, to),
    })),
  };
}

/** Where each matrix's columns are in an array of all columns of the model. */
function columnRanges(model: ModelDescription): [from: number, to: number][] {
  const ranges: [from: number, to: number][] = [];
  let from = 0;
  for (let block = 0; block < model.blocks; block++) {
    for (const kind of MATRIX_KINDS) {
      const to = from + matrixShape(model, kind).columns;
      ranges.push([from, to]);
      from = to;
    }
  }
  return ranges;
}

/** All matrices, in the order of the computation. */
export function compareBudgets(
  model: ModelDescription,
  before: ComparedBudget,
  after: ComparedBudget,
): MatrixChange[] {
  const changes: MatrixChange[] = [];
  for (let block = 0; block < model.blocks; block++) {
    for (const kind of MATRIX_KINDS) {
      const shape = matrixShape(model, kind);
      const zoned = (each: OrderedBudget): ZonedOrder => ({
        zones: planZones(shape, matrixBudget(each.budget, block, kind)),
        order: ofMatrix(each.orders, block, kind),
      });
      const counts =
        'orders' in before && 'orders' in after
          ? changesOfZones(shape, zoned(before), zoned(after))
          : changesOfColumns(grantsOf(model, before, block, kind), grantsOf(model, after, block, kind));
      changes.push({ block, kind, columns: shape.columns, ...counts });
    }
  }
  return changes;
}

type ChangeCounts = Omit<MatrixChange, 'block' | 'kind' | 'columns'>;

function changesOfColumns(before: ColumnGrants, after: ColumnGrants): ChangeCounts {
  let [wider, narrower, moreReserved, fewerReserved] = [0, 0, 0, 0];
  for (let column = 0; column < before.widths.length; column++) {
    const bits = (after.widths[column] ?? 0) - (before.widths[column] ?? 0);
    if (bits > 0) wider += 1;
    else if (bits < 0) narrower += 1;
    const entries = (after.reserved[column] ?? 0) - (before.reserved[column] ?? 0);
    if (entries > 0) moreReserved += 1;
    else if (entries < 0) fewerReserved += 1;
  }
  return { wider, narrower, moreReserved, fewerReserved };
}

interface ZonedOrder {
  readonly zones: readonly PlanZone[];
  readonly order: Int32Array;
}

/** From the columns of each pair of zones, of which there are nine at most. */
function changesOfZones({ columns }: MatrixShape, before: ZonedOrder, after: ZonedOrder): ChangeCounts {
  const pairs = before.order === after.order ? overlaps(before, after) : scattered(columns, before, after);
  const found = { wider: 0, narrower: 0, moreReserved: 0, fewerReserved: 0 };
  for (const [b, old] of before.zones.entries()) {
    for (const [a, now] of after.zones.entries()) {
      const count = pairs[b * MOST_ZONES + a] ?? 0;
      const reserved = now.tails.low + now.tails.high - old.tails.low - old.tails.high;
      if (now.width > old.width) found.wider += count;
      if (now.width < old.width) found.narrower += count;
      if (reserved > 0) found.moreReserved += count;
      if (reserved < 0) found.fewerReserved += count;
    }
  }
  return found;
}

/** Of planZones. */
const MOST_ZONES = 3;

/** In the same order two zones share the ranks that are in both. */
function overlaps(before: ZonedOrder, after: ZonedOrder): Uint32Array {
  const pairs = new Uint32Array(MOST_ZONES ** 2);
  for (const [b, old] of before.zones.entries()) {
    for (const [a, now] of after.zones.entries()) {
      pairs[b * MOST_ZONES + a] = Math.max(0, Math.min(old.to, now.to) - Math.max(old.from, now.from));
    }
  }
  return pairs;
}

function scattered(columns: number, before: ZonedOrder, after: ZonedOrder): Uint32Array {
  const pairOf = new Uint8Array(columns);
  for (const [zone, { from, to }] of before.zones.entries()) {
    for (let rank = from; rank < to; rank++) pairOf[before.order[rank] ?? 0] = zone * MOST_ZONES;
  }
  const pairs = new Uint32Array(MOST_ZONES ** 2);
  for (const [zone, { from, to }] of after.zones.entries()) {
    for (let rank = from; rank < to; rank++) {
      const pair = (pairOf[after.order[rank] ?? 0] ?? 0) + zone;
      pairs[pair] = (pairs[pair] ?? 0) + 1;
    }
  }
  return pairs;
}

/** One matrix; both by the column's own index. */
export function compareColumns(
  model: ModelDescription,
  before: ComparedBudget,
  after: ComparedBudget,
  block: number,
  kind: MatrixKind,
): ColumnChanges {
  const { columns } = matrixShape(model, kind);
  const [old, now] = [before, after].map((each) => grantsOf(model, each, block, kind));
  const widths = new Int8Array(columns);
  const reserved = new Int32Array(columns);
  for (let column = 0; column < columns; column++) {
    widths[column] = (now?.widths[column] ?? 0) - (old?.widths[column] ?? 0);
    reserved[column] = (now?.reserved[column] ?? 0) - (old?.reserved[column] ?? 0);
  }
  return { widths, reserved };
}

function grantsOf(
  model: ModelDescription,
  compared: ComparedBudget,
  block: number,
  kind: MatrixKind,
): ColumnGrants {
  if ('matrices' in compared) return ofMatrix(compared.matrices, block, kind);
  const { rows } = matrixShape(model, kind);
  const order = ofMatrix(compared.orders, block, kind);
  return grantsOfPlan(planByOrder(order, rows, matrixBudget(compared.budget, block, kind)));
}

/** How many columns get what: narrow before wide, few reserved entries before many. */
export function classesOfGrants({ widths, reserved }: ColumnGrants): ColumnClass[] {
  const counts = new Map<number, number>();
  for (let column = 0; column < widths.length; column++) {
    // A width has four bits.
    const name = (reserved[column] ?? 0) * 16 + (widths[column] ?? 0);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .map(([name, columns]) => ({ width: name % 16, reserved: Math.floor(name / 16), columns }))
    .sort((a, b) => a.width - b.width || a.reserved - b.reserved);
}

export function grantsOfPlan({ widths, reservedLow, reservedHigh }: ColumnPlan): ColumnGrants {
  return {
    widths,
    reserved: Uint32Array.from(reservedLow, (low, column) => low + (reservedHigh[column] ?? 0)),
  };
}

function ofMatrix<T>(all: readonly T[], block: number, kind: MatrixKind): T {
  const found = all[block * MATRIX_KINDS.length + MATRIX_KINDS.indexOf(kind)];
  if (found === undefined)
    throw new RangeError(`nothing is known of the columns of ${kind} in block ${block}`);
  return found;
}
