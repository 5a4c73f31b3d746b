import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface MeasuredProcess {
  /** What it printed. */
  readonly output: string;
  /** Of its resident memory, in bytes. */
  readonly peak: number;
  readonly seconds: number;
}

/** Runs a script on the Node of this process, as a user's shell would. Throws where it fails. */
export async function measuredProcess(script: URL, args: readonly string[]): Promise<MeasuredProcess> {
  const preload = new URL('./report-peak-memory.ts', import.meta.url).href;
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', preload, fileURLToPath(script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const pipe = child.stdio[3];
  if (!(pipe instanceof Readable) || child.stdout === null) throw new TypeError('the child has no pipe');
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [code, output, peak] = await Promise.all([ended, text(child.stdout), text(pipe)]);
  if (code !== 0) throw new Error(`${script.pathname} ended with ${code ?? 'a signal'}`);
  return { output, peak: Number(peak), seconds: (performance.now() - start) / 1000 };
}
