/** A contract with one call of each kind, implemented, for tests of what carries it. */
import { eventIterator, oc } from '@orpc/contract';
import { implement } from '@orpc/server';
import { z } from 'zod';
import { ClaqError, plainError, plainErrorSchema } from '../../../shared/errors.ts';

const base = oc.errors({ CLAQ: { status: 422, data: plainErrorSchema } });

export const smallContract = {
  double: base.input(z.strictObject({ value: z.number() })).output(z.number()),
  /** A ClaqError as the service throws it. */
  refuse: base.output(z.undefined()),
  /** A fault of the program. */
  break: base.output(z.undefined()),
  /** An answer of so many letters. */
  letters: base.input(z.strictObject({ count: z.int() })).output(z.string()),
  /** 0, 1, 2 ... to below `end`; where that is reached it waits for what never comes. */
  count: base.input(z.strictObject({ end: z.int() })).output(eventIterator(z.number())),
  /** Events of 64 kB without end, as fast as they are taken. */
  flood: base.output(eventIterator(z.string())),
  /** Ends with its signal. */
  wait: base.output(z.undefined()),
};

export const FLOOD_EVENT = 'x'.repeat(64 * 1024);

export const REFUSAL = new ClaqError('run/wrong-state', 'The run is complete', {
  where: 'run 7',
  remedy: 'start another',
});

/** What happened behind the calls. */
export interface Traces {
  /** Streams that began, and those whose `finally` was reached. */
  begun: number;
  ended: number;
  flooded: number;
}

export function smallRouter(traces: Traces) {
  const os = implement(smallContract);
  return os.router({
    double: os.double.handler(({ input }) => 2 * input.value),
    refuse: os.refuse.handler(({ errors }) => {
      throw errors.CLAQ({ message: REFUSAL.message, data: plainError(REFUSAL) });
    }),
    break: os.break.handler(() => {
      throw new TypeError('a secret of the program');
    }),
    letters: os.letters.handler(({ input }) => 'a'.repeat(input.count)),
    count: os.count.handler(async function* ({ input, signal }) {
      traces.begun++;
      try {
        for (let value = 0; value < input.end; value++) yield value;
        await aborted(signal);
      } finally {
        traces.ended++;
      }
    }),
    flood: os.flood.handler(async function* () {
      traces.begun++;
      try {
        for (;;) {
          traces.flooded++;
          yield await Promise.resolve(FLOOD_EVENT);
        }
      } finally {
        traces.ended++;
      }
    }),
    wait: os.wait.handler(async ({ signal }) => {
      traces.begun++;
      await aborted(signal);
      traces.ended++;
    }),
  });
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
}
