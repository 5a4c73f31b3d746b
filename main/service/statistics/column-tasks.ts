/** What the engine's thread is asked when it walks a model's columns, and what it answers beside the matrices themselves. */
import { z } from 'zod';
import { MATRIX_KINDS, type ModelDescription } from '../../../shared/model.ts';
import type { MatrixAt } from '../../engine/inspect/stored-matrix.ts';

export const columnTaskSchema = z.strictObject({
  /** Folder. */
  model: z.string().min(1),
  /** Matrices that are known already. */
  skip: z.array(z.strictObject({ block: z.int().min(0), kind: z.enum(MATRIX_KINDS) })).default([]),
  threads: z.int().min(1).optional(),
});
export type ColumnTask = z.input<typeof columnTaskSchema>;

export const columnTaskSummarySchema = z.strictObject({
  /** How many the task has walked. */
  matrices: z.int().min(0),
});
export type ColumnTaskSummary = z.infer<typeof columnTaskSummarySchema>;

/** All matrices of a model, in the order of computation. */
export function matricesOf({ blocks }: Pick<ModelDescription, 'blocks'>): MatrixAt[] {
  return Array.from({ length: blocks }, (_, block) => MATRIX_KINDS.map((kind) => ({ block, kind }))).flat();
}

/** Whether a matrix is among those. */
export function includesMatrix(matrices: readonly MatrixAt[]): (matrix: MatrixAt) => boolean {
  const known = new Set(matrices.map(placeName));
  return (matrix) => known.has(placeName(matrix));
}

function placeName({ block, kind }: MatrixAt): string {
  return `${block} ${kind}`;
}
