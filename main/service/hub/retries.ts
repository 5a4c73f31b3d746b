/** Troubles of a network that pass: tried again after a while, longer each time. */
import { setTimeout as pause } from 'node:timers/promises';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { readableDuration } from '../../../shared/readable-quantities.ts';
import type { RunHooks } from '../../../shared/requests.ts';

/** Seconds before the second try, the third, and so on. At first somebody looks on, and wants to hear that there is no network. */
export const SHORT_PATIENCE: readonly number[] = [1, 2, 4];
/** In the midst of a download a router may start anew. */
export const LONG_PATIENCE: readonly number[] = [1, 2, 4, 8, 16, 32];
/** A hub that asks for more patience than this is told of instead of waited for. */
const MAX_ASKED_SECONDS = 120;

/** Something that may go well if it is tried again. */
export class PassingTrouble extends Error {
  /** Seconds that the server asks to be left alone. */
  readonly askedSeconds: number;

  constructor(message: string, options: { askedSeconds?: number | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PassingTrouble';
    this.askedSeconds = options.askedSeconds ?? 0;
  }
}

/** Waits; ends early, by throwing, when the signal is aborted. Given from outside only so that tests need not wait. */
export type Wait = (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;

export const realWait: Wait = (milliseconds, signal) =>
  pause(milliseconds, undefined, signal === undefined ? {} : { signal });

export interface Retrying extends Pick<RunHooks, 'signal' | 'onNote'> {
  /** Whose trouble it is: `huggingface.co`. */
  readonly host: string;
  readonly wait: Wait;
  readonly patience: readonly number[];
  /** Whether the last try got further than the one before: then patience begins anew. */
  readonly gotFurther?: () => boolean;
}

/**
 * @param attempt tried again as long as it throws PassingTrouble
 * @throws ClaqError hub/unreachable, run/cancelled, and what else `attempt` throws
 */
export async function withRetries<T>(attempt: () => Promise<T>, retrying: Retrying): Promise<T> {
  const { signal, host, wait, patience, onNote, gotFurther } = retrying;
  for (let failures = 0; ;) {
    throwIfCancelled(signal, 'download');
    try {
      return await attempt();
    } catch (error) {
      throwIfCancelled(signal, 'download');
      if (!(error instanceof PassingTrouble)) throw error;
      failures = gotFurther?.() === true ? 1 : failures + 1;
      const delay = patience[failures - 1];
      if (delay === undefined || error.askedSeconds > MAX_ASKED_SECONDS) throw unreachable(host, error);
      const seconds = Math.max(delay, error.askedSeconds);
      onNote?.(`${host}: ${error.message}; trying again in ${readableDuration(seconds)}`);
      await wait(1000 * seconds, signal).catch((reason: unknown) => {
        throwIfCancelled(signal, 'download');
        throw reason;
      });
    }
  }
}

function unreachable(host: string, trouble: PassingTrouble): ClaqError {
  const asked =
    trouble.askedSeconds > MAX_ASKED_SECONDS
      ? `; it asks to wait for ${readableDuration(trouble.askedSeconds)}`
      : '';
  return new ClaqError('hub/unreachable', `The download from ${host} does not get on`, {
    where: host,
    found: trouble.message + asked,
    remedy:
      'check the network (behind a proxy set HTTPS_PROXY and NODE_USE_ENV_PROXY=1) and download again later: ' +
      'it goes on where it stopped',
    cause: trouble,
  });
}
