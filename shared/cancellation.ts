import { ClaqError } from './errors.ts';

/**
 * Throws ClaqError run/cancelled once the signal is aborted.
 * @param work what was called off, for people: `run`, `download`
 */
export function throwIfCancelled(signal: AbortSignal | undefined, work = 'run'): void {
  if (signal?.aborted === true) throw new ClaqError('run/cancelled', `The ${work} was cancelled`);
}
