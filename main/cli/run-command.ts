import pc from 'picocolors';
import { ClaqError, describeError } from '../../shared/errors.ts';
import type { OnProgress, Progress } from '../../shared/progress.ts';
import { errorEvent, eventLine, progressEvent, type CliEvent } from './json-events.ts';
import { monotonicSeconds, progressReporter, type ProgressReporter } from './progress-reporter.ts';
import { SIGNAL_EXIT_CODES, stopOnSignals } from './stop-signals.ts';

export const EXIT_CODES = { success: 0, failure: 1, usage: 2, cancelled: SIGNAL_EXIT_CODES.SIGINT } as const;

/** Time between two progress events of a phase, in seconds: a script needs no more. */
const EVENT_SECONDS = 0.1;

/** What a command hands on to the service. */
export interface CommandHooks {
  readonly onProgress: OnProgress;
  readonly onNote: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface CommandResult {
  /** What a script gets. */
  readonly value: unknown;
  /** What a person gets on stdout. */
  text(): string;
  /** It was carried out, and the answer is one that a script should stop at. */
  readonly failed?: boolean;
}

/**
 * Runs one command's work with everything around it: progress, Ctrl-C, errors in words or as JSON events.
 *
 * @returns the exit code
 */
export async function runCommand(
  command: string,
  options: { readonly json: boolean },
  work: (hooks: CommandHooks) => Promise<CommandResult>,
): Promise<number> {
  const reporter = options.json ? jsonReporter() : progressReporter(process.stderr);
  const stop = stopOnSignals((line) => reporter.note(line));
  try {
    const result = await work({
      onProgress: (progress) => reporter.report(progress),
      onNote: (line) => (options.json ? writeEvent({ event: 'note', note: line }) : reporter.note(line)),
      signal: stop.signal,
    });
    reporter.end();
    if (options.json) writeEvent({ event: 'result', command, result: result.value });
    else process.stdout.write(result.text());
    return result.failed === true ? EXIT_CODES.failure : EXIT_CODES.success;
  } catch (error) {
    reporter.end();
    return reportFailure(error, options.json, stop.exitCode());
  } finally {
    stop.dispose();
  }
}

function reportFailure(error: unknown, json: boolean, stoppedWith: number | undefined): number {
  if (stoppedWith !== undefined && isCancellation(error)) {
    if (json) writeEvent({ event: 'error', code: 'run/cancelled', message: 'Cancelled' });
    process.stderr.write('Cancelled.\n');
    return stoppedWith;
  }
  if (error instanceof ClaqError) {
    if (json) writeEvent(errorEvent(error));
    const [summary = '', ...details] = describeError(error);
    process.stderr.write([`${pc.red('error:')} ${summary}`, ...details].join('\n') + '\n');
    return EXIT_CODES.failure;
  }
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (json)
    writeEvent({ event: 'error', code: 'internal', message: error instanceof Error ? error.message : shown });
  process.stderr.write(
    `${pc.red('internal error:')} this is a fault in claq, not in what you asked for. Please report it with the lines below.\n${shown}\n`,
  );
  return EXIT_CODES.failure;
}

function isCancellation(error: unknown): boolean {
  if (error instanceof ClaqError) return error.code === 'run/cancelled';
  return error instanceof Error && error.name === 'AbortError';
}

function writeEvent(event: CliEvent): void {
  process.stdout.write(eventLine(event));
}

/** Progress as events: the first and last of each phase, and between them no more than one each EVENT_SECONDS. */
function jsonReporter(): ProgressReporter {
  let last: { readonly phase: string; readonly seconds: number } | undefined;
  const isDue = (progress: Progress, now: number): boolean =>
    last?.phase !== progress.phase || progress.done >= progress.total || now - last.seconds >= EVENT_SECONDS;
  return {
    report(progress) {
      const now = monotonicSeconds();
      if (!isDue(progress, now)) return;
      last = { phase: progress.phase, seconds: now };
      writeEvent(progressEvent(progress));
    },
    note: (line) => process.stderr.write(`${line}\n`),
    end: () => undefined,
  };
}
