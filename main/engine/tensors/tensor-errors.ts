import { ClaqError } from '../../../shared/errors.ts';

/** What TensorFlow and CUDA say where an allocation fails, on the way to a card and in its libraries too. */
const OUT_OF_MEMORY =
  /OOM when allocating|RESOURCE_EXHAUSTED|ResourceExhausted|failed to allocate|out of memory|Dst tensor is not initialized|STATUS_ALLOC_FAILED/i;

/** Whether a backend says that its memory has run out. */
export function isOutOfMemory(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof ClaqError) && OUT_OF_MEMORY.test(error.message);
}

/** Does tensor work, and tells of memory that ran out in our words: ClaqError engine/out-of-memory. */
export async function tensorErrors<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    const said = error.message.split('\n').find((line) => OUT_OF_MEMORY.test(line)) ?? error.message;
    throw new ClaqError('engine/out-of-memory', 'There is no memory left for a step of the computation', {
      found: said.trim(),
      remedy:
        'use shorter segments and windows (--segment-length, --context), close what else uses the card, or compute on the CPU (--engine tensorflow-cpu)',
      cause: error,
    });
  }
}
