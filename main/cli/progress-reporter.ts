import type { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { Progress } from '../../shared/progress.ts';
import { readableDuration } from '../../shared/readable-quantities.ts';
import { liveLine, progressCount, progressPace } from './progress-line.ts';
import { workRate, type WorkRate } from '../../shared/work-rate.ts';

export interface ProgressReporter {
  report(progress: Progress): void;
  /** Shows a line of its own, without tearing the live line. */
  note(line: string): void;
  /** Leaves the terminal as it should be; nothing is reported after it. */
  end(): void;
}

/** Time between two drawings of the live line, in seconds: it also moves while one long step goes on. */
const REDRAW_SECONDS = 0.1;
/** Plain lines: at most one in this time ... */
const PLAIN_SECONDS = 5;
/** ... and then only after this share of the phase, or so long a silence that someone would wonder. */
const PLAIN_SHARE = 0.1;
const SILENCE_SECONDS = 60;

/** A phase under way: when it began and how fast it goes. */
interface Phase {
  readonly name: string;
  readonly startSeconds: number;
  readonly rate: WorkRate;
}

/** One live line on a terminal, a few plain lines anywhere else. */
export function progressReporter(stream: NodeJS.WriteStream): ProgressReporter {
  // Some pseudo-terminals say that they have no columns or rows: nothing could be drawn there.
  return stream.isTTY && stream.columns > 0 && stream.rows > 0
    ? liveReporter(stream)
    : plainReporter((line) => stream.write(`${line}\n`), monotonicSeconds);
}

export function monotonicSeconds(): number {
  return performance.now() / 1000;
}

function beginPhase(name: string, seconds: number): Phase {
  return { name, startSeconds: seconds, rate: workRate(seconds) };
}

function finishedLine(progress: Progress, phase: Phase, seconds: number): string {
  return `${progress.phase}: ${progressCount(progress)} in ${readableDuration(seconds - phase.startSeconds)}`;
}

function liveReporter(stream: NodeJS.WriteStream): ProgressReporter {
  /** Loaded with the first progress: what a command like `serve` never shows would be a part of its start that is felt. */
  let live: ReturnType<typeof createLogUpdate> | undefined;
  let loading: Promise<void> | undefined;
  async function load(): Promise<void> {
    const library = await import('log-update');
    live = library.createLogUpdate(stream);
    draw();
  }
  let phase: Phase | undefined;
  let latest: Progress | undefined;
  const draw = (): void => {
    if (live === undefined || latest === undefined || phase === undefined) return;
    live(liveLine(latest, phase.rate.perSecond(), stream.columns));
  };
  const leave = (): void => {
    if (latest === undefined || phase === undefined) return;
    if (latest.done >= latest.total) {
      const line = `${pc.green('✓')} ${finishedLine(latest, phase, monotonicSeconds())}`;
      if (live === undefined) stream.write(`${line}\n`);
      else live(line);
    }
    live?.done();
    phase = undefined;
    latest = undefined;
  };
  const timer = setInterval(draw, REDRAW_SECONDS * 1000);
  timer.unref();
  return {
    report(progress) {
      loading ??= load();
      if (phase?.name !== progress.phase) {
        leave();
        phase = beginPhase(progress.phase, monotonicSeconds());
        latest = progress;
        draw();
      }
      latest = progress;
      phase.rate.record(progress.done, monotonicSeconds());
    },
    note(line) {
      live?.clear();
      stream.write(`${line}\n`);
      draw();
    },
    end() {
      clearInterval(timer);
      draw();
      leave();
    },
  };
}

/**
 * A line when a phase begins, a line when it is done, and now and then one between.
 *
 * @param seconds a clock that never goes back
 */
export function plainReporter(writeLine: (line: string) => void, seconds: () => number): ProgressReporter {
  let phase: Phase | undefined;
  let lineDone = 0;
  let lineSeconds = 0;
  const write = (line: string, progress: Progress, now: number): void => {
    writeLine(line);
    lineDone = progress.done;
    lineSeconds = now;
  };
  return {
    report(progress) {
      const now = seconds();
      if (phase?.name !== progress.phase) {
        phase = beginPhase(progress.phase, now);
        write(`${progress.phase}: ${progressCount(progress)}`, progress, now);
        return;
      }
      phase.rate.record(progress.done, now);
      if (progress.done >= progress.total) {
        if (lineDone < progress.total) write(finishedLine(progress, phase, now), progress, now);
        return;
      }
      const silence = now - lineSeconds;
      const enough = progress.done - lineDone >= PLAIN_SHARE * progress.total || silence >= SILENCE_SECONDS;
      if (silence < PLAIN_SECONDS || !enough) return;
      const pace = progressPace(progress, phase.rate.perSecond());
      write(`${progress.phase}: ${progressCount(progress)}${pace === '' ? '' : `, ${pace}`}`, progress, now);
    },
    note: writeLine,
    end() {
      phase = undefined;
    },
  };
}
