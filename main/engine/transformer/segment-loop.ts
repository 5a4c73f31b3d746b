import { setImmediate } from 'node:timers/promises';
import { ClaqError } from '../../../shared/errors.ts';
import { tensorErrors } from '../tensors/tensor-errors.ts';

/**
 * Runs `step` for segments 0 .. count - 1 in order. Tensor operations block the thread, so between segments the event
 * loop gets its turn (signals, messages, progress). Throws ClaqError run/cancelled once `signal` is aborted, engine/out-of-memory.
 */
export async function forEachSegment(
  count: number,
  signal: AbortSignal | undefined,
  step: (segment: number) => void | Promise<void>,
): Promise<void> {
  for (let segment = 0; segment < count; segment++) {
    throwIfCancelled(signal);
    await tensorErrors(() => step(segment));
    await setImmediate();
  }
  throwIfCancelled(signal);
}

export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new ClaqError('run/cancelled', 'The run was cancelled');
}
