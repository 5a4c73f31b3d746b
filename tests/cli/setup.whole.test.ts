import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { claq, eventsOf } from './claq-process.ts';

describe('claq setup', () => {
  it('says what it does, what it needs and where things go', async () => {
    const { code, stdout, stderr } = await claq('setup', '--help');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/--gpu +TensorFlow with CUDA/);
    for (const text of [
      '--remove',
      '--tensorflow <VERSION>',
      'Python 3.9',
      'CLAQ_TENSORFLOW_HOME',
      'docs/gpu.md',
    ]) {
      expect(stdout).toContain(text);
    }
  });

  it.each<[string, string[], string]>([
    [
      'a word for a version',
      ['--tensorflow', 'new'],
      'error: --tensorflow: a version has the form 2.21.0, found new',
    ],
    [
      'a version to remove',
      ['--remove', '--tensorflow', '2.21.0'],
      "option '--remove' cannot be used with option",
    ],
  ])('calls %s a usage error', async (_, args, message) => {
    const { code, stdout, stderr } = await claq('setup', ...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  it('removes what is not there in peace', async () => {
    const home = await mkdtemp(join(tmpdir(), 'claq-setup-'));
    onTestFinished(() => rm(home, { recursive: true, force: true }));
    vi.stubEnv('CLAQ_TENSORFLOW_HOME', join(home, 'none'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const { code, stdout } = await claq('setup', '--remove', '--json');
    expect(code).toBe(0);
    expect(eventsOf(stdout)).toEqual([
      {
        event: 'result',
        command: 'setup',
        result: { variant: 'cpu', folder: join(home, 'none/cpu'), bytes: 0 },
      },
    ]);
  });
});
