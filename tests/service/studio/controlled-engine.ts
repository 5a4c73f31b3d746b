/** An engine that does what a test tells it to, in the place of one that takes minutes. */
import { ClaqError } from '../../../shared/errors.ts';
import type { QuantizeRequest, RunHooks } from '../../../shared/requests.ts';
import type { QuantizeSummary } from '../../../shared/summaries.ts';

export interface ControlledRun {
  readonly request: QuantizeRequest;
  readonly hooks: RunHooks;
  finish(): void;
  fail(error: unknown): void;
}

export class ControlledEngine {
  /** Runs that were begun. */
  readonly runs: ControlledRun[] = [];
  #begun = Promise.withResolvers<undefined>();

  readonly quantize = (request: QuantizeRequest, hooks: RunHooks): Promise<QuantizeSummary> => {
    const end = Promise.withResolvers<QuantizeSummary>();
    const cancelled = (): void => end.reject(new ClaqError('run/cancelled', 'Called off'));
    hooks.signal?.addEventListener('abort', cancelled, { once: true });
    this.runs.push({
      request,
      hooks,
      finish: () => end.resolve(summaryOf(request)),
      fail: (error) => end.reject(error),
    });
    this.#begun.resolve(undefined);
    this.#begun = Promise.withResolvers();
    return end.promise;
  };

  /** The run of this number, from 0 on, once it has begun. */
  async run(number: number): Promise<ControlledRun> {
    for (;;) {
      const run = this.runs[number];
      if (run !== undefined) return run;
      await this.#begun.promise;
    }
  }
}

function summaryOf({ model, out = '' }: QuantizeRequest): QuantizeSummary {
  return {
    model,
    method: 'claq',
    budget: '2.12',
    nominalBits: 2.12,
    storedBits: 2.4,
    weights: 1000,
    sourceBytes: 2000,
    packedBytes: 300,
    loss: 12.5,
    before: undefined,
    after: undefined,
    seconds: 7,
    sessions: 1,
    timing: { forward: 3, quantize: 4 },
    runFolder: out,
    exportFolder: undefined,
  };
}
