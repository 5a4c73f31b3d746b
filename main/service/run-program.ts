/** Other programs (Python, a compiler, Node, nvidia-smi), run to their end: bounded output, ended together with this one. */
import { spawn } from 'node:child_process';
import { throwIfCancelled } from '../../shared/cancellation.ts';

/** What is kept of a program's output: its end, which is where the reason for a failure stands. */
const KEPT_CHARACTERS = 64 * 1024;
/** Time to end in their own way that programs have when they are called off, in milliseconds. */
const GRACE_MILLISECONDS = 2000;

export interface ProgramEnd {
  /** Null where a signal ended the program. */
  readonly code: number | null;
  /** The signal that ended it, where one did. */
  readonly signal?: NodeJS.Signals;
  /** It did not end in the time that it had. */
  readonly timedOut?: true;
  /** The last KEPT_CHARACTERS of each. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Time that it has; none where not given. */
  readonly limitMilliseconds?: number | undefined;
}

/**
 * Runs a program to its end, without a shell. It and all that it starts are ended when the signal is aborted, and when this
 * process ends; one that takes longer than its limit is ended too, and is not waited for.
 *
 * @throws ClaqError run/cancelled; the system's error where the program cannot be started (ENOENT where there is none)
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { env, signal, limitMilliseconds }: ProgramOptions,
): Promise<ProgramEnd> {
  throwIfCancelled(signal);
  const ended = await new Promise<ProgramEnd>((resolve, reject) => {
    // A process group of its own: compilers and pip start others, which a signal to the first one does not reach.
    const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = (name: NodeJS.Signals): void => endGroup(child.pid, name);
    const onExit = (): void => end('SIGKILL');
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      end('SIGTERM');
      timer = setTimeout(() => end('SIGKILL'), GRACE_MILLISECONDS);
    };
    const dispose = (): void => {
      clearTimeout(timer);
      clearTimeout(limit);
      signal?.removeEventListener('abort', onAbort);
      process.off('exit', onExit);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    process.on('exit', onExit);
    const kept = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        kept[name] = (kept[name] + text).slice(-KEPT_CHARACTERS);
      });
    }
    const limit =
      limitMilliseconds === undefined
        ? undefined
        : setTimeout(() => {
            end('SIGKILL');
            dispose();
            // A program that hangs in a driver does not even hear that signal: it is not waited for.
            child.stdout.destroy();
            child.stderr.destroy();
            child.unref();
            resolve({ code: null, timedOut: true, ...kept });
          }, limitMilliseconds);
    child.on('error', (error) => {
      dispose();
      reject(error);
    });
    child.on('close', (code, endedBy) => {
      dispose();
      resolve({ code, ...(endedBy === null ? {} : { signal: endedBy }), ...kept });
    });
  });
  throwIfCancelled(signal);
  return ended;
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

/** The last lines of a program's output that say something, as one line for an error's details. */
export function lastWords(end: ProgramEnd, lines = 3): string {
  const words = lastLines(`${end.stdout}\n${end.stderr}`, lines);
  return words.length === 0 ? `nothing, and ended with ${end.code ?? 'a signal'}` : words.join(' | ');
}

/** The last lines that say something. */
export function lastLines(output: string, lines: number): string[] {
  const said = output.split('\n').map((line) => line.trim());
  return said.filter((line) => line !== '').slice(-lines);
}
