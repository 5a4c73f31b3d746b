/** The preview of a budget as its tables show it. */
import type { BudgetPreview, MatricesPreview } from '../../shared/budget-preview.ts';
import { MATRIX_KINDS } from '../../shared/model.ts';
import { readableBytes } from '../../shared/readable-quantities.ts';
import type { WidthsOfMatrix } from '../result/width-shares.ts';

/** Layers side by side whose matrices come to the same. */
export interface LayersRow {
  readonly from: number;
  readonly to: number;
  /** In the order of MATRIX_KINDS. */
  readonly matrices: readonly MatricesPreview[];
  /** Of one layer, and of all in the row. */
  readonly layerBytes: number;
  readonly bytes: number;
}

export function layersRows({ matrices }: Pick<BudgetPreview, 'matrices'>, blocks: number): LayersRow[] {
  const byKind = MATRIX_KINDS.map((kind) =>
    groupsByBlock(
      matrices.filter((each) => each.kind === kind),
      blocks,
    ),
  );
  const rows: LayersRow[] = [];
  for (let block = 0; block < blocks; block++) {
    const groups = byKind.flatMap((ofBlocks) => ofBlocks[block] ?? []);
    const last = rows.at(-1);
    if (last !== undefined && groups.every((group, at) => group === last.matrices[at])) {
      rows[rows.length - 1] = { ...last, to: block, bytes: last.bytes + last.layerBytes };
      continue;
    }
    const layerBytes = groups.reduce((sum, { bytes }) => sum + bytes, 0);
    rows.push({ from: block, to: block, matrices: groups, layerBytes, bytes: layerBytes });
  }
  return rows;
}

function groupsByBlock(groups: readonly MatricesPreview[], blocks: number): MatricesPreview[] {
  const [only] = groups;
  if (only !== undefined && groups.length === 1) return Array.from({ length: blocks }, () => only);
  const byBlock: MatricesPreview[] = [];
  for (const group of groups) for (const block of group.blocks) byBlock[block] = group;
  return byBlock;
}

/** Matrices that are alike as one that has all their columns. */
export function widthsOfPreview({ matrices }: Pick<BudgetPreview, 'matrices'>): WidthsOfMatrix[] {
  return matrices.map(({ kind, blocks, rows, columns, classes }) => ({
    kind,
    rows,
    columns: columns * blocks.length,
    classes: classes.map((each) => ({ ...each, columns: each.columns * blocks.length })),
  }));
}

/** What memory to run is the sum of, in a sentence. */
export function memoryWords({ packedBytes, keptBytes, memory }: BudgetPreview): string {
  const parts = [
    `packed matrices ${readableBytes(packedBytes)}`,
    `embeddings, norms and head ${readableBytes(keptBytes)}`,
    `keys and values of ${memory.tokens.toLocaleString('en')} tokens ${readableBytes(memory.cacheBytes)}`,
    `one decoded matrix ${readableBytes(memory.decodedBytes)}`,
  ];
  return `Counted: ${parts.join(' + ')}. Not counted: what the driver and other programs take.`;
}
