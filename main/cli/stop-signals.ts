/** Ctrl-C and its relatives: the first one calls the work off, a later one doesn't wait for it. */
import { monotonicSeconds } from './progress-reporter.ts';

/** 128 + the signal's number, as shells have it. */
export const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof SIGNAL_EXIT_CODES;

/**
 * Under `npm run` one press of Ctrl-C arrives twice: from the terminal, which sends it to all of its processes, and from
 * npm, which passes on what it got. What follows the first signal within this time, in seconds, is the same press: npm
 * takes milliseconds, a person who presses again has read the note first.
 */
export const SAME_PRESS_SECONDS = 0.5;

export type SignalMeaning = 'stop' | 'same-press' | 'quit';

/** What signals mean, one after another, by the time at which each one comes (a clock that never goes back). */
export function signalMeanings(): (seconds: number) => SignalMeaning {
  let first: number | undefined;
  return (seconds) => {
    if (first === undefined) {
      first = seconds;
      return 'stop';
    }
    return seconds - first < SAME_PRESS_SECONDS ? 'same-press' : 'quit';
  };
}

export interface StopSignals {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The exit code that the first signal asks for; undefined while there was none. */
  exitCode(): number | undefined;
  dispose(): void;
}

/**
 * Ends the process now. process.exit() alone would wait for the engine's thread, which does not hear while a tensor operation
 * runs: what is to be done at the exit is done, then the process dies of the signal, as it would have without a listener.
 */
function quit(name: StopSignal): never {
  if (process.platform !== 'win32') {
    process.on('exit', () => {
      process.removeAllListeners(name);
      process.kill(process.pid, name);
    });
  }
  process.exit(SIGNAL_EXIT_CODES[name]);
}

export function stopOnSignals(note: (line: string) => void): StopSignals {
  const controller = new AbortController();
  const meaningAt = signalMeanings();
  let exitCode: number | undefined;
  const onSignal = (name: StopSignal): void => {
    switch (meaningAt(monotonicSeconds())) {
      case 'stop':
        exitCode = SIGNAL_EXIT_CODES[name];
        note('Stopping at the next safe point. Press Ctrl-C again to quit at once.');
        controller.abort();
        return;
      case 'same-press':
        return;
      case 'quit':
        quit(name);
    }
  };
  const onInterrupt = (): void => onSignal('SIGINT');
  const onTerminate = (): void => onSignal('SIGTERM');
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    dispose() {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
}
