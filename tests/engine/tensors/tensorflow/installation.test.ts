import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  INSTALLATION_FILE,
  readInstallation,
  tensorflowHome,
} from '../../../../main/engine/tensors/tensorflow/installation.ts';
import { installationRecord } from '../installation-record.ts';

describe('tensorflowHome', () => {
  it.each([
    [{ CLAQ_TENSORFLOW_HOME: '/data/tf', XDG_CACHE_HOME: '/cache' }, '/data/tf'],
    [{ XDG_CACHE_HOME: '/cache' }, '/cache/claq-studio/tensorflow'],
    [{ CLAQ_TENSORFLOW_HOME: '', XDG_CACHE_HOME: '' }, join(homedir(), '.cache/claq-studio/tensorflow')],
    [{}, join(homedir(), '.cache/claq-studio/tensorflow')],
  ])('in %o is %s', (env, home) => {
    expect(tensorflowHome(env)).toBe(home);
  });
});

describe('readInstallation', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'claq-tensorflow-'));
    await mkdir(join(home, 'cpu'));
  });
  afterEach(() => rm(home, { recursive: true }));
  const write = (text: string): Promise<void> => writeFile(join(home, 'cpu', INSTALLATION_FILE), text);

  it('reads what a set-up wrote', async () => {
    const record = installationRecord('cpu');
    await write(JSON.stringify(record));
    expect(await readInstallation('cpu', home)).toEqual({
      state: 'installed',
      variant: 'cpu',
      folder: join(home, 'cpu'),
      record,
    });
  });

  it('misses a set-up that did not come to its end', async () => {
    expect((await readInstallation('cpu', home)).state).toBe('missing');
    expect((await readInstallation('gpu', home)).state).toBe('missing');
  });

  it.each([
    ['no JSON', '{"version": 1, '],
    ['another variant', JSON.stringify(installationRecord('gpu'))],
    ['a version to come', JSON.stringify({ ...installationRecord('cpu'), version: 2 })],
    [
      'a hash that is none',
      JSON.stringify({ ...installationRecord('cpu'), addon: { tfjs: '4', origin: 'built', sha256: 'x' } }),
    ],
  ])('takes %s for broken', async (_, text) => {
    await write(text);
    const installation = await readInstallation('cpu', home);
    expect(installation).toMatchObject({ state: 'broken' });
  });

  it('says why it cannot be read', async () => {
    await mkdir(join(home, 'cpu', INSTALLATION_FILE));
    expect(await readInstallation('cpu', home)).toMatchObject({
      state: 'broken',
      why: expect.stringMatching(/EISDIR/) as unknown,
    });
  });
});
