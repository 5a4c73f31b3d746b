import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../engine/checkpoint/temporary-folder.ts';
import { answering, withNvidiaSmi } from '../service/doctor/fake-nvidia-smi.ts';
import { writeInstallation } from '../service/doctor/small-installation.ts';
import { claq, eventsOf } from './claq-process.ts';

let home = '';
beforeEach(async () => {
  const folder = await temporaryFolder();
  home = join(folder, 'home');
  vi.stubEnv('CLAQ_TENSORFLOW_HOME', home);
  onTestFinished(() => void vi.unstubAllEnvs());
});

describe('claq doctor', () => {
  it('says what runs and what is missing, on stdout', async () => {
    await withNvidiaSmi(await temporaryFolder(), answering('A card, 550.54, 1000 MiB, 8.9')).then(
      ({ PATH }) => vi.stubEnv('PATH', PATH ?? ''),
    );
    await writeInstallation(home, 'cpu');
    const { code, stdout } = await claq('doctor');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^A run computes with wasm: WebAssembly SIMD, 1 thread\.$/m);
    expect(stdout).toMatch(
      /^tensorflow-gpu +does not run: TensorFlow for GPUs is not installed\n +what to do: claq setup --gpu$/m,
    );
    expect(stdout).toMatch(
      /^tensorflow-cpu +does not run: TensorFlow cannot be loaded: .+\n +what to do: set it up again/m,
    );
    expect(stdout).toMatch(
      /^NVIDIA driver +550\.54, new enough\nGPU 0 +A card, 1\.05 GB, compute capability 8\.9$/m,
    );
  });

  it('fails where the engine that is forced does not run', async () => {
    const { code, stdout } = await claq('doctor', '--engine', 'tensorflow-cpu');
    expect(code).toBe(1);
    expect(stdout).toContain('A run with --engine tensorflow-cpu ends with an error.\n');
    expect((await claq('doctor', '--engine', 'wasm')).code).toBe(0);
  });

  it('gives a script the whole report as one event, after the progress', async () => {
    const { code, stdout, stderr } = await claq('doctor', '--json');
    expect([code, stderr]).toEqual([0, '']);
    const events = eventsOf(stdout);
    expect(events.slice(0, -1).every(({ event }) => event === 'progress')).toBe(true);
    expect(events.at(-1)).toMatchObject({
      event: 'result',
      command: 'doctor',
      result: { taken: 'wasm', installations: [{ state: 'missing' }, { state: 'missing' }] },
    });
  });

  it('calls another engine a usage error', async () => {
    const { code, stderr } = await claq('doctor', '--engine', 'abacus');
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are auto, tensorflow-gpu, tensorflow-cpu, wasm');
  });
});
