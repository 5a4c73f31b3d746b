/** What the screen is about, as its address keeps it: `?S=5&layer=3&matrix=q&tab=matrix`. */
import { MATRIX_KINDS, type MatrixKind } from '../../shared/model.ts';
import { nearestLevel, OUTLIER_LEVELS } from '../../shared/outlier-levels.ts';

export const INSPECT_TABS = ['layers', 'matrix', 'column'] as const;
export type InspectTab = (typeof INSPECT_TABS)[number];

export interface InspectPlace {
  /** One of OUTLIER_LEVELS; undefined where the suggested one is shown. */
  readonly s: number | undefined;
  readonly layer: number;
  readonly matrix: MatrixKind;
  readonly tab: InspectTab;
  /** Undefined where it is the first in Outlier Order. */
  readonly column: number | undefined;
}

/** A query as the router has it: what is there twice counts once. */
export type Query = Readonly<Record<string, string | null | undefined | readonly (string | null)[]>>;

/** What is wrong or missing in an address becomes the first of its kind. */
export function placeOf(query: Query, layers: number): InspectPlace {
  const text = (name: string): string | undefined => {
    const value = query[name];
    return (typeof value === 'string' ? value : value?.[0]) ?? undefined;
  };
  const s = Number(text('S') ?? Number.NaN);
  const layer = Number(text('layer') ?? 0);
  const column = Number(text('column') ?? Number.NaN);
  return {
    s: Number.isFinite(s) ? OUTLIER_LEVELS[nearestLevel(s)] : undefined,
    layer: Number.isInteger(layer) ? Math.min(Math.max(0, layers - 1), Math.max(0, layer)) : 0,
    matrix: MATRIX_KINDS.find((kind) => kind === text('matrix')) ?? 'q',
    tab: INSPECT_TABS.find((tab) => tab === text('tab')) ?? 'layers',
    column: Number.isInteger(column) && column >= 0 ? column : undefined,
  };
}

export function queryOf({ s, layer, matrix, tab, column }: InspectPlace): Record<string, string> {
  return {
    ...(s === undefined ? {} : { S: String(s) }),
    layer: String(layer),
    matrix,
    tab,
    ...(column === undefined ? {} : { column: String(column) }),
  };
}
