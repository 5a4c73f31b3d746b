/** The picture of all matrices of a model: a row a block, a column a kind. Plain data, of which the component draws what changed. */
import { MATRIX_KINDS, type MatrixKind } from '../../shared/model.ts';
import type { MatrixResult } from '../../shared/run-record.ts';
import { inkOnViridis, viridis } from '../design/viridis.ts';
import { type HeatScale, type ScaleKind, heatScale, sameScale } from './heat-scale.ts';
import { type Quantity, QUANTITIES, type QuantityName } from './matrix-quantities.ts';

export interface GridCell {
  readonly kind: MatrixKind;
  /** Undefined while the matrix is not done, null where the run does not know the figure. */
  readonly value: number | null | undefined;
}

/** A block's cells. A row that did not change stays the same object. */
export interface GridRow {
  readonly block: number;
  readonly cells: readonly GridCell[];
}

/** What the cells of a picture show: how their figures are called and written. */
export type CellFigure = Pick<Quantity, 'label' | 'unit' | 'text' | 'brief'>;

/** A matrix of the model. */
export interface CellAddress {
  readonly block: number;
  readonly kind: MatrixKind;
}

export interface GridPicture<Figure extends CellFigure = CellFigure> {
  readonly quantity: Figure;
  readonly rows: readonly GridRow[];
  /** Undefined while there is no figure. */
  readonly scale: HeatScale | undefined;
}

/** All matrices by block and kind. */
export type MatrixMap = ReadonlyMap<number, ReadonlyMap<MatrixKind, MatrixResult>>;

/** Adds matrices; a later result of the same matrix takes the place of the earlier. Blocks without new ones keep their map. */
export function withMatrices(known: MatrixMap, added: readonly MatrixResult[]): MatrixMap {
  if (added.length === 0) return known;
  const blocks = new Map(known);
  const copies = new Map<number, Map<MatrixKind, MatrixResult>>();
  for (const matrix of added) {
    const { block, kind } = matrix;
    const kinds = copies.get(block) ?? new Map(known.get(block));
    kinds.set(kind, matrix);
    copies.set(block, kinds);
    blocks.set(block, kinds);
  }
  return blocks;
}

/** Rows of blocks whose matrices are the same as before, so that they need no new cells. */
type RowMemory = WeakMap<ReadonlyMap<MatrixKind, MatrixResult>, GridRow>;
const rowsOf = new Map<QuantityName, RowMemory>();

const EMPTY_ROW: readonly GridCell[] = MATRIX_KINDS.map((kind) => ({ kind, value: undefined }));

/** @param before the picture until now: where its scale still holds, nothing needs a new colour */
export function gridPicture(
  blocks: number,
  matrices: MatrixMap,
  name: QuantityName,
  scaleKind: ScaleKind,
  before?: GridPicture<Quantity>,
): GridPicture<Quantity> {
  const quantity = QUANTITIES[name];
  const rows = Array.from({ length: blocks }, (_, block) => gridRow(block, matrices.get(block), name));
  const scale = heatScale(figuresOf(rows), scaleKind, quantity);
  const isSame = before?.quantity === quantity && sameScale(before.scale, scale);
  return { quantity, rows, scale: isSame ? before.scale : scale };
}

function gridRow(
  block: number,
  kinds: ReadonlyMap<MatrixKind, MatrixResult> | undefined,
  name: QuantityName,
): GridRow {
  if (kinds === undefined) return { block, cells: EMPTY_ROW };
  const memory = rowsOf.get(name) ?? new WeakMap<ReadonlyMap<MatrixKind, MatrixResult>, GridRow>();
  rowsOf.set(name, memory);
  const before = memory.get(kinds);
  if (before !== undefined) return before;
  const row: GridRow = {
    block,
    cells: MATRIX_KINDS.map((kind) => {
      const matrix = kinds.get(kind);
      return { kind, value: matrix === undefined ? undefined : QUANTITIES[name].of(matrix) };
    }),
  };
  memory.set(kinds, row);
  return row;
}

function* figuresOf(rows: readonly GridRow[]): Generator<number> {
  for (const { cells } of rows) {
    for (const { value } of cells) if (typeof value === 'number') yield value;
  }
}

export interface CellLook {
  /** Empty for a cell without colour. */
  readonly fill: string;
  readonly ink: string;
  /** What stands in the cell. */
  readonly text: string;
}

/**
 * How a cell looks: a colour and its figure; a middle dot where the matrix is not done, a dash where there is no figure, and
 * `none` for the nothing that a logarithmic scale has no place for.
 */
export function cellLook(
  { value }: GridCell,
  { quantity, scale }: Pick<GridPicture, 'quantity' | 'scale'>,
): CellLook {
  if (value === undefined) return { fill: '', ink: '', text: '·' };
  if (value === null || scale === undefined) return { fill: '', ink: '', text: '–' };
  if (value <= 0 && scale.kind === 'log') return { fill: '', ink: '', text: 'none' };
  const share = scale.fraction(value);
  return { fill: viridis(share), ink: inkOnViridis(share), text: quantity.brief(value) };
}

/** A cell in words, for the line under the picture and for whoever hears it: `Block 3, gate: 0.0123 a weight`. */
export function cellWords(
  block: number,
  { kind, value }: GridCell,
  { quantity }: Pick<GridPicture, 'quantity'>,
): string {
  const matrix = `Layer ${block}, ${kind}`;
  if (value === undefined) return `${matrix}: not done yet`;
  if (value === null) return `${matrix}: has no ${quantity.label.toLowerCase()}`;
  return `${matrix}: ${quantity.text(value)}`;
}

/** Where an arrow key leads from a cell; undefined for a key that moves nothing. */
export function neighbour(
  key: string,
  { block, column }: { readonly block: number; readonly column: number },
  blocks: number,
): { readonly block: number; readonly column: number } | undefined {
  const last = MATRIX_KINDS.length - 1;
  switch (key) {
    case 'ArrowUp':
      return { block: Math.max(0, block - 1), column };
    case 'ArrowDown':
      return { block: Math.min(blocks - 1, block + 1), column };
    case 'ArrowLeft':
      return { block, column: Math.max(0, column - 1) };
    case 'ArrowRight':
      return { block, column: Math.min(last, column + 1) };
    case 'Home':
      return { block, column: 0 };
    case 'End':
      return { block, column: last };
    case 'PageUp':
      return { block: 0, column };
    case 'PageDown':
      return { block: blocks - 1, column };
    default:
      return undefined;
  }
}

/** Everything that is known of a matrix, in a line. */
export function matrixWords(matrix: MatrixResult): string {
  const { loss, lossPerWeight, outlierRatio, bits } = QUANTITIES;
  const whole = loss.of(matrix);
  const each = lossPerWeight.of(matrix);
  return [
    `${matrix.rows.toLocaleString('en')} × ${matrix.columns.toLocaleString('en')}`,
    ...(whole === null || each === null ? [] : [`loss ${loss.text(whole)}, ${lossPerWeight.text(each)}`]),
    `outliers ${outlierRatio.text(outlierRatio.of(matrix) ?? 0)}`,
    `${bits.text(bits.of(matrix) ?? 0)} stored`,
  ].join(' · ');
}
