import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { reportInstallation } from '../../../main/service/doctor/installations.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { writeInstallation } from './small-installation.ts';

let home = '';
beforeEach(async () => {
  home = await temporaryFolder();
});

describe('reportInstallation', () => {
  it('says what is not there', async () => {
    const folder = join(home, 'cpu');
    expect(await reportInstallation('cpu', home)).toEqual({ variant: 'cpu', state: 'missing', folder });
  });

  it('describes one for CPUs', async () => {
    await writeInstallation(home, 'cpu');
    expect(await reportInstallation('cpu', home)).toEqual({
      variant: 'cpu',
      state: 'installed',
      folder: join(home, 'cpu'),
      bytes: expect.any(Number) as unknown,
      tensorflow: '2.21.0',
      addon: '4.22.0',
      origin: 'built',
      cuda: null,
      cudnn: null,
    });
  });

  it('describes one for GPUs, with its CUDA and cuDNN', async () => {
    await writeInstallation(home, 'gpu');
    expect(await reportInstallation('gpu', home)).toMatchObject({
      state: 'installed',
      cuda: '12.9.79',
      cudnn: '9.10.2.21',
    });
  });

  it.each<[string, (folder: string) => Promise<void>, string]>([
    [
      'another addon',
      (folder) => writeFile(join(folder, 'lib/napi-v8/tfjs_binding.node'), 'another'),
      'lib/napi-v8/tfjs_binding.node is not the file that was set up',
    ],
    [
      'no addon',
      (folder) => rm(join(folder, 'lib'), { recursive: true }),
      'lib/napi-v8/tfjs_binding.node is missing',
    ],
    [
      'a library less',
      (folder) => rm(join(folder, 'deps/lib/libtensorflow_cc.so.2')),
      'libtensorflow_cc.so.2 is missing',
    ],
    [
      'a CUDA library less',
      (folder) => rm(join(folder, 'deps/nvidia/cudnn/lib/lib.so')),
      'the libraries of nvidia-cudnn-cu12 are missing',
    ],
    [
      'a folder of CUDA less',
      (folder) => rm(join(folder, 'deps/nvidia'), { recursive: true }),
      'the libraries of nvidia-cuda-runtime-cu12 are missing',
    ],
  ])('calls it broken with %s', async (_, change, why) => {
    await writeInstallation(home, 'gpu');
    await change(join(home, 'gpu'));
    expect(await reportInstallation('gpu', home)).toMatchObject({
      state: 'broken',
      fault: { why, remedy: 'claq setup --gpu' },
    });
  });

  it('calls it broken where its record is none', async () => {
    await writeInstallation(home, 'cpu');
    const file = join(home, 'cpu/installation.json');
    await writeFile(file, '{');
    expect(await reportInstallation('cpu', home)).toMatchObject({
      state: 'broken',
      fault: { why: `${file} does not describe an installation of this variant`, remedy: 'claq setup' },
    });
  });
});
