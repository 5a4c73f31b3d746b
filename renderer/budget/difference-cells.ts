/** Two budgets beside each other: what each cell of the picture of all matrices says. */
import type { MatrixChange } from '../../shared/compare-budgets.ts';
import type { ChartColours } from '../charts/chart-colours.ts';

export const CHANGED_PARTS = ['width', 'reserved'] as const;
/** Which part of a column's share is looked at. */
export type ChangedPart = (typeof CHANGED_PARTS)[number];

export interface DifferenceCell extends Pick<MatrixChange, 'block' | 'kind' | 'columns'> {
  /** Columns that get more in B than in A, and those that get less. */
  readonly more: number;
  readonly less: number;
}

export function differenceCell(
  { block, kind, columns, ...change }: MatrixChange,
  part: ChangedPart,
): DifferenceCell {
  const [more, less] =
    part === 'width' ? [change.wider, change.narrower] : [change.moreReserved, change.fewerReserved];
  return { block, kind, columns, more, less };
}

/** `+205`, `−12`, `+205 −12`; a middle dot where nothing changes. */
export function cellText({ more, less }: DifferenceCell): string {
  const parts = [...(more > 0 ? [`+${more}`] : []), ...(less > 0 ? [`\u2212${less}`] : [])];
  return parts.length === 0 ? '·' : parts.join(' ');
}

/** Which way a cell leans, and how far: -1 where all columns get less, 1 where all get more. */
export function cellLean({ more, less, columns }: DifferenceCell): number {
  return (more - less) / columns;
}

/** The farthest that any cell leans to a side: above 0. */
export function farthestLean(rows: readonly (readonly DifferenceCell[])[]): number {
  return rows.flat().reduce((largest, cell) => Math.max(largest, Math.abs(cellLean(cell))), 1e-9);
}

/** Colour as deep as this leaves the figures readable. */
const DEEPEST = 0.45;

/** How deep a cell's colour is, 0..1; a root, so that a few columns are seen beside hundreds. */
export function cellDepth(cell: DifferenceCell, farthest: number): number {
  return DEEPEST * Math.sqrt(Math.abs(cellLean(cell)) / farthest);
}

/** A cell's colour as CSS; empty where nothing changes. It says how deep it is by itself: `opacity` would make a layer of every cell. */
export function cellFill(cell: DifferenceCell, farthest: number, colours: ChartColours): string {
  if (cell.more + cell.less === 0) return '';
  const alpha = Math.round(255 * cellDepth(cell, farthest));
  return `${cellLean(cell) < 0 ? colours.worse : colours.better}${alpha.toString(16).padStart(2, '0')}`;
}

const PART_WORDS: Readonly<Record<ChangedPart, readonly [more: string, less: string]>> = {
  width: ['wider', 'narrower'],
  reserved: ['with more reserved', 'with fewer reserved'],
};

/** `Layer 3, v: 205 of 4,096 columns wider, none narrower` */
export function cellWords({ block, kind, columns, more, less }: DifferenceCell, part: ChangedPart): string {
  const [moreWords, lessWords] = PART_WORDS[part];
  const count = (value: number): string => (value === 0 ? 'none' : value.toLocaleString('en'));
  return `Layer ${block}, ${kind}: of ${columns.toLocaleString('en')} columns ${count(more)} ${moreWords}, ${count(less)} ${lessWords}`;
}

export interface ColumnBin {
  /** Columns [from, to) of the matrix, in its own order. */
  readonly from: number;
  readonly to: number;
  /** Share of them that get more, and that get less. */
  readonly more: number;
  readonly less: number;
}

/** The columns of a matrix side by side, in as many bins as a picture has room for. */
export function columnBins(changes: Int8Array | Int32Array, most: number): ColumnBin[] {
  const count = Math.min(most, changes.length);
  return Array.from({ length: count }, (_, bin) => {
    const from = Math.floor((bin * changes.length) / count);
    const to = Math.floor(((bin + 1) * changes.length) / count);
    let [more, less] = [0, 0];
    for (const change of changes.subarray(from, to)) {
      if (change > 0) more++;
      else if (change < 0) less++;
    }
    return { from, to, more: more / (to - from), less: less / (to - from) };
  });
}
