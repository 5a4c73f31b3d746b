import type { Progress } from '../../../shared/progress.ts';
import type { Pace } from '../../../shared/runs.ts';
import { type WorkRate, workRate } from '../../../shared/work-rate.ts';

/** How fast some work goes, phase by phase: what was learnt of one phase says nothing about the next. */
export class PaceMeter {
  #phase: { readonly name: string; readonly rate: WorkRate } | undefined;

  /** @param seconds on a clock that never goes back */
  measure(progress: Progress, seconds: number): Pace {
    if (this.#phase?.name !== progress.phase) {
      this.#phase = { name: progress.phase, rate: workRate(seconds) };
    }
    const { rate } = this.#phase;
    rate.record(progress.done, seconds);
    const perSecond = rate.perSecond() ?? null;
    return {
      progress,
      rate: perSecond,
      secondsLeft: perSecond === null ? null : (progress.total - progress.done) / perSecond,
    };
  }
}

/** Seconds on a clock that never goes back. */
export function monotonicSeconds(): number {
  return performance.now() / 1000;
}
