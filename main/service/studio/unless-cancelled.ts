import { throwIfCancelled } from '../../../shared/cancellation.ts';

/** Waits for other work, which goes on where the wait is called off. Throws what it fails of, and ClaqError run/cancelled. */
export async function unlessCancelled(
  work: Promise<unknown> | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const cancelled = Promise.withResolvers<undefined>();
  const cancel = (): void => cancelled.resolve(undefined);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    await Promise.race([work, cancelled.promise]);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
  throwIfCancelled(signal);
}
