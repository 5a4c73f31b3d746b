import { setImmediate } from 'node:timers/promises';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { tensorErrors } from '../tensors/tensor-errors.ts';
import { type BatchSizes, withSmallerBatches } from './batch-sizes.ts';

/**
 * Runs `step` for segments 0 .. count - 1 in order. Tensor operations block the thread, so between segments the event
 * loop gets its turn (signals, messages, progress). Throws ClaqError run/cancelled once `signal` is aborted, engine/out-of-memory.
 * @param sizes the batches of `step`: it is repeated in smaller ones where the backend's memory runs out
 */
export async function forEachSegment(
  count: number,
  signal: AbortSignal | undefined,
  step: (segment: number) => void | Promise<void>,
  sizes?: BatchSizes,
): Promise<void> {
  for (let segment = 0; segment < count; segment++) {
    throwIfCancelled(signal);
    await tensorErrors(() =>
      sizes === undefined ? step(segment) : withSmallerBatches(sizes, () => step(segment)),
    );
    await setImmediate();
  }
  throwIfCancelled(signal);
}
