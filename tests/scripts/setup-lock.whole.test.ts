import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url));

/** Sets up for as long as its stdin is open, and says so. */
const SET_UP = `
  import { withSetupLock } from './setup-lock.mjs';
  await withSetupLock(async () => {
    console.log('inside');
    for await (const _ of process.stdin);
  });
  console.log('outside');
`;

/** Loaded first, it stops the process where it has just found the owner dead, until it is told to go on. */
const PAUSE = `
  import { readSync } from 'node:fs';
  const kill = process.kill.bind(process);
  process.kill = (pid, signal) => {
    try {
      return kill(pid, signal);
    } catch (error) {
      process.kill = kill;
      console.log('found dead');
      readSync(0, Buffer.alloc(1));
      throw error;
    }
  };
`;

function start(root: string, ...options: string[]) {
  const child = spawn(process.execPath, [...options, join(root, 'scripts/set-up.mjs')], { stdio: 'pipe' });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    said: async (text: string): Promise<void> => {
      while (!output.includes(text))
        await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')]);
    },
    output: (): string => output,
    stdin: child.stdin,
    ended: once(child, 'close'),
  };
}

it('lets one in, also where two have found the same dead set-up', async () => {
  const root = await mkdtemp(join(tmpdir(), 'claq-setup-lock-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'scripts'));
  for (const name of ['project.mjs', 'setup-lock.mjs']) {
    await copyFile(join(SCRIPTS, name), join(root, 'scripts', name));
  }
  await writeFile(join(root, 'scripts/set-up.mjs'), SET_UP);
  await writeFile(join(root, 'scripts/pause.mjs'), PAUSE);
  const dead = spawn(process.execPath, ['--version']);
  await once(dead, 'close');
  const claims = join(root, 'build/setup-claims');
  await mkdir(claims, { recursive: true });
  await writeFile(join(claims, String(dead.pid)), '');

  const slow = start(root, '--import', join(root, 'scripts/pause.mjs'));
  await slow.said('found dead');
  const quick = start(root);
  await quick.said('inside');
  slow.stdin.write('.');
  await slow.said('Waiting for another set-up');
  // Long enough for it to look several times.
  await setTimeout(1000);
  expect(slow.output()).not.toContain('inside');

  quick.stdin.end();
  await quick.ended;
  await slow.said('inside');
  slow.stdin.end();
  await slow.ended;
  expect([quick.output(), slow.output()]).toEqual([
    'inside\noutside\n',
    'found dead\nWaiting for another set-up of this project to end ...\ninside\noutside\n',
  ]);
  expect(await readdir(claims)).toEqual([]);
});
