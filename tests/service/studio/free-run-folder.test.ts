import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeRunFolder } from '../../../main/service/studio/free-run-folder.ts';

let runs: string;
beforeEach(async () => {
  runs = await mkdtemp(join(tmpdir(), 'claq-test-'));
});
afterEach(() => rm(runs, { recursive: true }));

describe('freeRunFolder', () => {
  it('takes the first number that neither a folder nor a waiting run has', async () => {
    await mkdir(join(runs, 'Demo-model-2.12-1'));
    const taken = new Set([join(runs, 'Demo-model-2.12-2')]);
    expect(await freeRunFolder(runs, 'Demo model 2.12', taken)).toBe(join(runs, 'Demo-model-2.12-3'));
  });

  it('needs no folder of runs, and makes none', async () => {
    const later = join(runs, 'later');
    expect(await freeRunFolder(later, 'a', new Set())).toBe(join(later, 'a-1'));
  });

  it.each([
    ['../../etc/passwd', 'etc-passwd-1'],
    ['...', 'run-1'],
    ['模型 7B', '模型-7B-1'],
    ['a\\b:c*', 'a-b-c-1'],
  ])('makes one folder of the name %j', async (name, folder) => {
    expect(await freeRunFolder(runs, name, new Set())).toBe(join(runs, folder));
  });
});
