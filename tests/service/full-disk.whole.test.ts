import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { writeTinyModel } from './tiny-model.ts';

const SCRIPT = join(import.meta.dirname, 'full-disk-process.ts');
const answerSchema = z.strictObject({
  filled: z.boolean(),
  code: z.string(),
  where: z.string(),
  expected: z.string().optional(),
  found: z.string(),
  remedy: z.string(),
  left: z.array(z.string()).nullable(),
});

/** Runs a program where it may mount file systems that nobody else sees, and that go when it ends. No root is needed. */
function inNamespace(program: string, args: readonly string[]) {
  const options = ['--user', '--map-root-user', '--mount', program, ...args];
  return spawnSync('unshare', options, { encoding: 'utf8' });
}

// Containers and some systems forbid it, and only Linux has it.
const mayMount = inNamespace('mount', ['-t', 'tmpfs', 'tmpfs', import.meta.dirname]).status === 0;
if (!mayMount) {
  console.info(
    'Left out: quantizing onto a disk that fills up. It takes Linux and the right to mount in a namespace of its own. ' +
      'Writing to /dev/full is tested in tests/engine/checkpoint and tests/engine/export.',
  );
}

describe.skipIf(!mayMount)('a disk that fills up', () => {
  let work = '';
  let model = '';
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'claq-full-disk-'));
    model = await writeTinyModel(join(work, 'model'));
  });
  afterAll(() => rm(work, { recursive: true }));

  async function quantizeOnto(megabytes: number) {
    const disk = join(work, `disk-${String(megabytes)}`);
    await mkdir(disk);
    const { stdout, stderr } = inNamespace(process.execPath, [SCRIPT, model, disk, String(megabytes)]);
    expect(stderr).toBe('');
    return { disk, ...answerSchema.parse(JSON.parse(stdout)) };
  }

  it('is refused before anything is written, where it is too small from the start', async () => {
    const { disk, ...answer } = await quantizeOnto(16);
    expect(answer).toEqual({
      filled: false,
      code: 'output/disk-full',
      where: join(disk, 'run'),
      expected: expect.stringMatching(/^67\.\d MB free \(\d+ bytes\)$/) as unknown,
      found: expect.stringMatching(/^16\.\d MB free \(\d+ bytes\)$/) as unknown,
      remedy: 'free some space or choose a folder on another disk with --out',
      left: null,
    });
  });

  it('ends a run with what is wrong, and without half a file', async () => {
    const { disk, ...answer } = await quantizeOnto(80);
    expect(answer).toEqual({
      filled: true,
      code: 'output/disk-full',
      where: join(disk, 'run', 'matrices', 'model.layers.0.self_attn.q_proj.safetensors'),
      found: 'ENOSPC',
      remedy: 'free some space or choose a folder on another disk; what was half-written has been removed',
      left: ['matrices', 'run.json'],
    });
  });
});
