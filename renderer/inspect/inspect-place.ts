/** What the screen is about, as its address keeps it: `?S=5&layer=3&matrix=q&tab=matrix&compare=3.k,7.q&top=5&map=sensitivity`. */
import { MATRIX_KINDS, type MatrixKind } from '../../shared/model.ts';
import { nearestLevel, OUTLIER_LEVELS } from '../../shared/outlier-levels.ts';
import { LINE_MARKS } from '../charts/chart-look.ts';
import type { CellAddress } from '../charts/matrix-grid.ts';

export const INSPECT_TABS = ['layers', 'matrix', 'column'] as const;
export type InspectTab = (typeof INSPECT_TABS)[number];

/** What the map of all matrices shows. */
export const MATRIX_MAPS = ['outliers', 'sensitivity'] as const;
export type MatrixMap = (typeof MATRIX_MAPS)[number];

export interface InspectPlace {
  /** One of OUTLIER_LEVELS; undefined where the suggested one is shown. */
  readonly s: number | undefined;
  readonly layer: number;
  readonly matrix: MatrixKind;
  readonly tab: InspectTab;
  /** Undefined where it is the first in Outlier Order. */
  readonly column: number | undefined;
  /** Matrices whose curves are laid over the chosen one's. */
  readonly compared: readonly CellAddress[];
  /** Share of the columns, from the head of the Outlier Order, that is spoken of; undefined for the usual one. */
  readonly head: number | undefined;
  readonly map: MatrixMap;
}

/** Lines that can still be told apart, beside the chosen matrix's own. */
export const MOST_COMPARED = LINE_MARKS.length - 1;

/** A query as the router has it: what is there twice counts once. */
export type Query = Readonly<Record<string, string | null | undefined | readonly (string | null)[]>>;

/** What is wrong or missing in an address becomes the first of its kind, or nothing. */
export function placeOf(query: Query, layers: number): InspectPlace {
  const text = (name: string): string | undefined => {
    const value = query[name];
    return (typeof value === 'string' ? value : value?.[0]) ?? undefined;
  };
  const s = Number(text('S') ?? Number.NaN);
  const layer = Number(text('layer') ?? 0);
  const column = Number(text('column') ?? Number.NaN);
  const top = Number(text('top') ?? Number.NaN);
  return {
    s: Number.isFinite(s) ? OUTLIER_LEVELS[nearestLevel(s)] : undefined,
    layer: Number.isInteger(layer) ? Math.min(Math.max(0, layers - 1), Math.max(0, layer)) : 0,
    matrix: MATRIX_KINDS.find((kind) => kind === text('matrix')) ?? 'q',
    tab: INSPECT_TABS.find((tab) => tab === text('tab')) ?? 'layers',
    column: Number.isInteger(column) && column >= 0 ? column : undefined,
    compared: comparedOf(text('compare') ?? '', layers),
    head: top > 0 && top <= 100 ? top / 100 : undefined,
    map: MATRIX_MAPS.find((map) => map === text('map')) ?? 'outliers',
  };
}

/** `3.k,7.q`, each once. */
function comparedOf(text: string, layers: number): readonly CellAddress[] {
  const names = new Set(text.split(','));
  const addresses = [...names].flatMap((name): CellAddress[] => {
    const [, layer, matrix] = /^(\d+)\.(\w+)$/.exec(name) ?? [];
    const kind = MATRIX_KINDS.find((each) => each === matrix);
    const block = Number(layer);
    return kind === undefined || block >= layers ? [] : [{ block, kind }];
  });
  return addresses.slice(0, MOST_COMPARED);
}

export function queryOf({
  s,
  layer,
  matrix,
  tab,
  column,
  compared,
  head,
  map,
}: InspectPlace): Record<string, string> {
  return {
    ...(s === undefined ? {} : { S: String(s) }),
    layer: String(layer),
    matrix,
    tab,
    ...(column === undefined ? {} : { column: String(column) }),
    ...(compared.length === 0
      ? {}
      : { compare: compared.map(({ block, kind }) => `${block}.${kind}`).join(',') }),
    // A thousandth of a percent is finer than the columns of any matrix.
    ...(head === undefined ? {} : { top: String(Number((100 * head).toFixed(3))) }),
    ...(map === 'outliers' ? {} : { map }),
  };
}
