import { beforeEach, describe, expect, it } from 'vitest';
import { tryEngine } from '../../../main/service/doctor/try-engine.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { ABORT_WITHOUT_AVX, libraryThatRuns, writeInstallation } from './small-installation.ts';

const env = process.env;
let home = '';
beforeEach(async () => {
  home = await temporaryFolder();
});

async function tryAddon(addon: Uint8Array | string, limitMilliseconds?: number): Promise<unknown> {
  await writeInstallation(home, 'cpu', addon);
  return tryEngine({ engine: 'tensorflow-cpu', tensorflowHome: home }, { env, limitMilliseconds });
}

describe('tryEngine', () => {
  it('says what runs', async () => {
    const trial = await tryEngine({ engine: 'wasm', tensorflowHome: home }, { env });
    expect(trial).toMatchObject({ runs: true, description: 'WebAssembly SIMD, 1 thread', tensorflow: null });
  });

  it('gives the reason where TensorFlow is none', async () => {
    expect(await tryAddon('not a library')).toEqual({
      runs: false,
      why: expect.stringMatching(/^TensorFlow cannot be loaded: .+tfjs_binding\.node: /) as unknown,
      said: [],
      fatal: false,
    });
  });

  it('survives one that ends its process, with its last words', async () => {
    expect(await tryAddon(await libraryThatRuns(home, ABORT_WITHOUT_AVX))).toEqual({
      runs: false,
      why: 'it ends its process (SIGABRT)',
      said: [
        "The TensorFlow library was compiled to use AVX instructions, but these aren't available on your machine.",
      ],
      fatal: true,
    });
  });

  it('survives one that ends it as if all were well', async () => {
    expect(await tryAddon(await libraryThatRuns(home, '_exit(0);'))).toMatchObject({
      why: 'it ends its process with code 0',
      fatal: true,
    });
  });

  it('does not wait for one that hangs', async () => {
    const hanging = await libraryThatRuns(home, 'fputs("looking for devices\\n", stderr); for (;;) pause();');
    expect(await tryAddon(hanging, 5000)).toEqual({
      runs: false,
      why: 'it gives no answer in 5 seconds',
      said: ['looking for devices'],
      fatal: true,
    });
  });

  it('is called off', async () => {
    const signal = AbortSignal.timeout(50);
    const error = await thrownBy(() => tryEngine({ engine: 'wasm', tensorflowHome: home }, { env, signal }));
    expect(error.code).toBe('run/cancelled');
  });
});
