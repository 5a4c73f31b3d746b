import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { MATRIX_KINDS, matrixName } from '../../../shared/model.ts';
import type { OnProgress } from '../../../shared/progress.ts';
import type { Arena } from '../kernels/arena.ts';
import type { StoredMatrix } from '../kernels/column-statistics.ts';
import { type MatrixAt, type MatrixSource, readMatrix, storedBytes } from './stored-matrix.ts';

export interface WalkOptions<Result> {
  /** Matrices that are known already: they are not read, and count as done. */
  readonly skip?: ((at: MatrixAt) => boolean) | undefined;
  /** Hears of each matrix in turn; the next one waits for it. */
  readonly onMatrix: (result: Result) => void | Promise<void>;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface WalkSteps<Result> {
  /** One verb phrase for the whole walk. */
  readonly phase: string;
  /** What is done with each matrix. */
  readonly work: (at: MatrixAt, stored: StoredMatrix) => Promise<Result>;
}

/**
 * Walks the matrices of a model, block by block, and reads the next one while the work is at the one before: the stored bytes
 * of two matrices stand in the arena.
 *
 * @throws ClaqError run/cancelled between two matrices, and whatever reading and the work throw
 */
export async function walkMatrices<Result>(
  arena: Arena,
  source: MatrixSource,
  { skip, onMatrix, onProgress, signal }: WalkOptions<Result>,
  { phase, work }: WalkSteps<Result>,
): Promise<void> {
  const all = Array.from({ length: source.model.blocks }, (_, block) =>
    MATRIX_KINDS.map((kind): MatrixAt => ({ block, kind })),
  ).flat();
  const wanted = all.filter((at) => skip?.(at) !== true);
  const room = Math.max(0, ...wanted.map((at) => storedBytes(source, at)));
  const mark = arena.mark();
  const slots = [arena.allocate(room), arena.allocate(room)];
  const reading = (index: number): Promise<StoredMatrix> | undefined => {
    const at = wanted[index];
    const slot = slots[index % slots.length];
    return at === undefined || slot === undefined ? undefined : readMatrix(arena, source, at, slot);
  };
  const report = (done: number, at?: MatrixAt): void => {
    const counts = { done: all.length - wanted.length + done, total: all.length, unit: 'matrices' as const };
    const detail = at === undefined ? {} : { detail: matrixName(at.block, at.kind) };
    onProgress?.({ phase, ...counts, ...detail });
  };
  let next: Promise<StoredMatrix> | undefined;
  try {
    next = reading(0);
    for (const [index, at] of wanted.entries()) {
      throwIfCancelled(signal, 'inspection');
      report(index, at);
      const stored = await next;
      if (stored === undefined) break;
      next = reading(index + 1);
      // Should the work fail first, nobody else hears of it.
      next?.catch(() => undefined);
      await onMatrix(await work(at, stored));
    }
    throwIfCancelled(signal, 'inspection');
    report(wanted.length);
  } finally {
    // Nothing may be written where the arena is released.
    await next?.catch(() => undefined);
    arena.release(mark);
  }
}
