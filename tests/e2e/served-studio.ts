import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { cliEventSchema } from '../../main/cli/json-events.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ServedStudio {
  /** With the token. */
  readonly url: string;
  /** From the start of the process to the address, in milliseconds. */
  readonly startMilliseconds: number;
  /** Ends it as Ctrl-C does; gives its exit code. */
  stop(): Promise<number | null>;
}

/** `claq serve` as a user has it: the page is built where its sources have changed, and the program is a process of its own. */
export async function serveStudio(
  dataFolder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ServedStudio> {
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...['scripts/with-build.mjs', 'renderer', '--', 'main/cli/claq.ts'],
      ...['serve', '--port', '0', '--data', dataFolder, '--json'],
    ],
    { cwd: ROOT, env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...env } },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = once(child, 'close');
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then((lines: unknown[]) => String(lines[0])),
    closed.then(() => {
      throw new Error(`claq serve ended: ${said}`);
    }),
  ]);
  const event = cliEventSchema.parse(JSON.parse(line));
  if (event.event !== 'serving') throw new Error(`claq serve does not say where: ${line}`);
  return {
    url: event.url,
    startMilliseconds: performance.now() - start,
    async stop() {
      child.kill('SIGINT');
      await closed;
      return child.exitCode;
    },
  };
}
