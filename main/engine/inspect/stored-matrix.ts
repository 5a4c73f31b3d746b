/** A matrix of a checkpoint in the kernels' memory, as it is stored. */
import { ClaqError } from '../../../shared/errors.ts';
import { type MatrixKind, matrixName, matrixShape } from '../../../shared/model.ts';
import type { Checkpoint, TensorEntry } from '../checkpoint/checkpoint.ts';
import { bytesPerElement } from '../checkpoint/safetensors-dtype.ts';
import type { Arena } from '../kernels/arena.ts';
import { type ColumnMoments, type StoredMatrix, columnMoments } from '../kernels/column-statistics.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';

/** What of a checkpoint it takes to look at its matrices. */
export type MatrixSource = Pick<Checkpoint, 'folder' | 'model' | 'tensors' | 'read' | 'readInto'>;

/** Which matrix of a model. */
export interface MatrixAt {
  readonly block: number;
  readonly kind: MatrixKind;
}

export function tensorName({ block, kind }: MatrixAt): string {
  return `${matrixName(block, kind)}.weight`;
}

function entryOf({ folder, tensors }: MatrixSource, at: MatrixAt): TensorEntry {
  const entry = tensors.get(tensorName(at));
  if (entry !== undefined) return entry;
  throw new ClaqError('weights/missing-tensor', `The model has no tensor ${tensorName(at)}`, {
    where: folder,
  });
}

/** Bytes that the matrix takes in the checkpoint. */
export function storedBytes(source: MatrixSource, at: MatrixAt): number {
  const { rows, columns } = matrixShape(source.model, at.kind);
  return rows * columns * bytesPerElement(entryOf(source, at).dtype);
}

/**
 * Reads a matrix straight into the arena.
 * @param pointer room for `storedBytes`
 */
export async function readMatrix(
  arena: Arena,
  source: MatrixSource,
  at: MatrixAt,
  pointer: number,
): Promise<StoredMatrix> {
  await source.readInto(tensorName(at), arena.bytes(pointer, storedBytes(source, at)));
  return { ...matrixShape(source.model, at.kind), dtype: entryOf(source, at).dtype, pointer };
}

/** @throws ClaqError weights/not-finite, with the place of the first weight that is not */
export async function finiteMoments(
  pool: KernelPool,
  source: MatrixSource,
  at: MatrixAt,
  stored: StoredMatrix,
): Promise<ColumnMoments> {
  const moments = await columnMoments(pool, stored);
  if (moments !== undefined) return moments;
  // The kernel knows that there is one, reading as float32 knows where.
  await source.read(tensorName(at));
  throw new ClaqError('weights/not-finite', `The weights of ${tensorName(at)} changed while they were read`, {
    where: source.folder,
    remedy: 'try again when nothing writes to the model folder',
  });
}
