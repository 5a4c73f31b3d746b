import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { swapIn } from '../../../main/service/tensorflow-setup/swap-in.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { writeFiles } from './small-tensorflow.ts';

describe('swapIn', () => {
  it('puts the new folder in the place of the old one, which is gone', async () => {
    const home = await temporaryFolder();
    await writeFiles(home, { 'cpu/which': 'old', 'made/which': 'new' });
    await swapIn(join(home, 'made'), join(home, 'cpu'));
    expect(await readdir(home, { recursive: true })).toEqual(['cpu', 'cpu/which']);
    expect(await readFile(join(home, 'cpu/which'), 'utf8')).toBe('new');
  });

  it('needs no old one', async () => {
    const home = await temporaryFolder();
    await mkdir(join(home, 'made'));
    await swapIn(join(home, 'made'), join(home, 'cpu'));
    expect(await readdir(home)).toEqual(['cpu']);
  });

  it('puts the old folder back where the new one cannot take its place', async () => {
    const home = await temporaryFolder();
    await writeFiles(home, { 'cpu/which': 'old' });
    const error = await thrownBy(() => swapIn(join(home, 'made'), join(home, 'cpu')));
    expect(error).toMatchObject({ code: 'output/not-writable', where: join(home, 'cpu') });
    expect(await readdir(home, { recursive: true })).toEqual(['cpu', 'cpu/which']);
    expect(await readFile(join(home, 'cpu/which'), 'utf8')).toBe('old');
  });
});
