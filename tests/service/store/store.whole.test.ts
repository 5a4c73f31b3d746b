import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { open, temporaryFile } from './temporary-store.ts';

const PROCESS_SCRIPT = fileURLToPath(new URL('store-process.ts', import.meta.url));

/** Gives the exit code and the signal that ended it, one of them null. */
async function runProcess(...args: readonly string[]): Promise<readonly unknown[]> {
  const child = spawn(process.execPath, [PROCESS_SCRIPT, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await once(child, 'exit');
  return [child.exitCode, child.signalCode];
}

it('is made by one of several processes that open it at the same time, and written by all', async () => {
  const file = await temporaryFile();
  const names = ['a', 'b', 'c', 'd'];
  const ends = await Promise.all(names.map((name) => runProcess(file, name)));
  expect(ends).toEqual(names.map(() => [0, null]));
  expect(
    open(file)
      .models.list()
      .map(({ name }) => name),
  ).toEqual(names);
});

it('has what a process that was killed had written, and nothing half-written', async () => {
  const file = await temporaryFile();
  expect(await runProcess(file, 'a', 'die')).toEqual([null, 'SIGKILL']);
  const store = open(file);
  expect(store.models.list().map(({ name }) => name)).toEqual(['a']);
});
