import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { exportQuantized } from '../../main/service/export.ts';
import { quantizeModel } from '../../main/service/quantize.ts';
import { QUICK_TEXTS, writeTinyModel } from './tiny-model.ts';

let work = '';
let model = '';
let run = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-killed-'));
  model = await writeTinyModel(join(work, 'model'), { shards: 3 });
  run = join(work, 'run');
  await quantizeModel({ model, out: run, ...QUICK_TEXTS, evaluation: { windows: 0 } });
});
afterAll(() => rm(work, { recursive: true }));

async function lastTensor(): Promise<string> {
  const checkpoint = await openCheckpoint(model);
  await checkpoint.close();
  return checkpoint.shards.at(-1)?.names.at(-1) ?? '';
}

it('goes on behind its whole files where it was killed, and ends with the same bytes', async () => {
  const out = join(work, 'killed');
  const script = join(import.meta.dirname, 'stalled-export-process.ts');
  const child = spawn(process.execPath, [script, run, out, await lastTensor()]);
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  expect(await exit).toEqual([null, 'SIGKILL']);
  const left = await readdir(join(work, '.killed.partial'));
  expect(left.filter((name) => name.endsWith('.safetensors') && !name.startsWith('.'))).toHaveLength(2);
  expect(left.filter((name) => name.endsWith('.partial'))).toHaveLength(1);

  const notes: string[] = [];
  await exportQuantized({ source: run, out }, { onNote: (line) => notes.push(line) });
  expect(notes).toContain('Going on with an earlier export: 2 of 3 weights files are there');
  const whole = join(work, 'whole');
  await exportQuantized({ source: run, out: whole });
  const files = (await readdir(whole)).toSorted();
  expect((await readdir(out)).toSorted()).toEqual(files);
  for (const file of files) {
    expect((await readFile(join(out, file))).equals(await readFile(join(whole, file)))).toBe(true);
  }
  expect(await readdir(work)).not.toContain('.killed.partial');
});
