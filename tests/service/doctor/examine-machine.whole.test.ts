import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type DoctorPlace, examineMachine } from '../../../main/service/doctor/examine-machine.ts';
import { PINNED_WHEELS } from '../../../main/service/tensorflow-setup/pinned-wheels.ts';
import type { Progress } from '../../../shared/progress.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { answering, withNvidiaSmi } from './fake-nvidia-smi.ts';
import { ABORT_WITHOUT_AVX, libraryThatRuns, writeInstallation } from './small-installation.ts';

const CARD = 'NVIDIA GeForce RTX 4090, 550.54.15, 24564 MiB, 8.9';

let place: DoctorPlace;
beforeEach(async () => {
  const folder = await temporaryFolder();
  const env = { ...process.env, CUDA_VISIBLE_DEVICES: undefined };
  place = { home: join(folder, 'home'), env: { ...env, PATH: folder }, pinned: PINNED_WHEELS };
});

async function withCard(...rows: string[]): Promise<void> {
  const env = await withNvidiaSmi(await temporaryFolder(), answering(...rows));
  place = { ...place, env: { ...place.env, ...env } };
}

describe('examineMachine', () => {
  it('finds WebAssembly on a bare machine, and what would make it faster', async () => {
    const seen: Progress[] = [];
    const report = await examineMachine({}, { onProgress: (progress) => seen.push(progress) }, place);
    expect(report).toMatchObject({
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
      cores: availableParallelism(),
      engine: 'auto',
      taken: 'wasm',
      engines: [
        { name: 'tensorflow-gpu', runs: false, said: [], fatal: false },
        {
          name: 'tensorflow-cpu',
          runs: false,
          fault: { why: 'TensorFlow is not installed', remedy: 'claq setup' },
        },
        { name: 'wasm', runs: true },
      ],
      installations: [
        { variant: 'gpu', state: 'missing' },
        { variant: 'cpu', state: 'missing' },
      ],
      driver: { state: 'missing' },
      visibleDevices: null,
      kernels: { flavour: expect.stringMatching(/^(relaxed|simd)$/) as unknown },
      cache: { folder: place.home },
    });
    expect(report.cache.freeBytes).toBeGreaterThan(0);
    expect(seen.at(-1)).toMatchObject({ phase: 'Trying the engines', done: 3, total: 3 });
  });

  it('sees a card, and that only the set-up is missing', async () => {
    await withCard(CARD, CARD);
    const report = await examineMachine({}, {}, place);
    expect(report.engines[0]).toMatchObject({
      fault: { why: 'TensorFlow for GPUs is not installed', remedy: 'claq setup --gpu' },
    });
    expect(report.driver).toMatchObject({
      version: '550.54.15',
      devices: [{ fault: null }, { fault: null }],
    });
  });

  it('passes over a TensorFlow that does not load', async () => {
    await writeInstallation(place.home, 'gpu');
    const { taken, engines } = await examineMachine({}, {}, place);
    expect(taken).toBe('wasm');
    // Both are tried with the one TensorFlow that there is.
    for (const engine of engines.slice(0, 2)) {
      expect(engine).toMatchObject({ runs: false, fatal: false });
    }
    expect(engines[1]).toMatchObject({
      fault: { why: expect.stringMatching(/^TensorFlow cannot be loaded/) as unknown },
    });
  });

  it('says that a run ends where TensorFlow ends its process, and which engine goes on', async () => {
    const addon = await libraryThatRuns(await temporaryFolder(), ABORT_WITHOUT_AVX);
    await writeInstallation(place.home, 'cpu', addon);
    const { taken, engines } = await examineMachine({}, {}, place);
    expect(taken).toBeNull();
    expect(engines[1]).toMatchObject({
      name: 'tensorflow-cpu',
      fatal: true,
      fault: { remedy: expect.stringContaining('claq setup --remove') as unknown },
    });
    expect((await examineMachine({ engine: 'wasm' }, {}, place)).taken).toBe('wasm');
  });

  it('takes no other engine for the one that was asked for', async () => {
    expect((await examineMachine({ engine: 'tensorflow-cpu' }, {}, place)).taken).toBeNull();
  });

  it('refuses an engine that it does not know', async () => {
    // @ts-expect-error -- what comes from outside may be anything
    const error = await thrownBy(() => examineMachine({ engine: 'abacus' }, {}, place));
    expect(error.code).toBe('request/invalid');
  });

  it('is called off', async () => {
    const error = await thrownBy(() => examineMachine({}, { signal: AbortSignal.abort() }, place));
    expect(error.code).toBe('run/cancelled');
  });
});
