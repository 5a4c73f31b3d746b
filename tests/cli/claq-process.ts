import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cliEventSchema, type CliEvent } from '../../main/cli/json-events.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const DEMO_MODEL = fileURLToPath(new URL('../../resources/demo-model/model', import.meta.url));

export interface Finished {
  /** As a shell has it: 128 and the signal's number where a signal ended the process. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts a script of ours, colours off.
 * @param script from the repository's root
 * @param cwd the working folder; the repository's root where not given
 */
export function start(
  script: string,
  args: readonly string[],
  cwd: string = ROOT,
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [join(ROOT, script), ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
  });
}

export async function finish(child: ChildProcessWithoutNullStreams): Promise<Finished> {
  const chunks = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (chunks.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (chunks.stderr += chunk.toString()));
  await once(child, 'close');
  const { exitCode, signalCode } = child;
  return { code: signalCode === null ? exitCode : 128 + constants.signals[signalCode], ...chunks };
}

/** `claq ...args` to its end. */
export async function claq(...args: string[]): Promise<Finished> {
  return finish(start('main/cli/claq.ts', args));
}

/** Every line of stdout as an event; anything else on it fails. */
export function eventsOf(stdout: string): CliEvent[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => cliEventSchema.parse(JSON.parse(line)));
}
