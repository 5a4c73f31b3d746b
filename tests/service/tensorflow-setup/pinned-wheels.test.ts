import { describe, expect, it } from 'vitest';
import {
  DEFAULT_TENSORFLOW,
  type Machine,
  PINNED_WHEELS,
  thisMachine,
  wheelsFor,
  wheelTags,
} from '../../../main/service/tensorflow-setup/pinned-wheels.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';

const LINUX: Machine = { platform: 'linux', arch: 'x64', glibc: '2.36' };

const names = (machine: Machine, variant: 'cpu' | 'gpu'): string[] =>
  wheelsFor(PINNED_WHEELS, DEFAULT_TENSORFLOW, variant, machine).map(({ name }) => name);

describe('the pinned wheels', () => {
  it('are one for CPUs, and TensorFlow with the CUDA libraries for GPUs', () => {
    expect(names(LINUX, 'cpu')).toEqual(['tensorflow-cpu']);
    expect(names(LINUX, 'gpu')).toEqual([
      'tensorflow',
      'nvidia-cublas-cu12',
      'nvidia-cuda-cupti-cu12',
      'nvidia-cuda-nvrtc-cu12',
      'nvidia-cuda-runtime-cu12',
      'nvidia-cudnn-cu12',
      'nvidia-cufft-cu12',
      'nvidia-curand-cu12',
      'nvidia-cusolver-cu12',
      'nvidia-cusparse-cu12',
      'nvidia-nccl-cu12',
      'nvidia-nvjitlink-cu12',
    ]);
    expect(names({ ...LINUX, arch: 'arm64' }, 'cpu')).toEqual(['tensorflow']);
  });

  it('are complete: a file that is named after them, a hash, sizes', () => {
    const wheels = Object.values(PINNED_WHEELS)
      .flatMap((machines) => Object.values(machines))
      .flatMap((variants) => Object.values(variants))
      .flat();
    expect(wheels).toHaveLength(28);
    for (const { name, version, file, sha256, bytes, unpackedBytes } of wheels) {
      expect(file).toMatch(/^[a-z0-9_]+-[0-9.]+-(cp312-cp312|py3-none)-manylinux[a-z0-9_.]+\.whl$/);
      expect(file.startsWith(`${name.replaceAll('-', '_')}-${version}-`)).toBe(true);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(bytes).toBeGreaterThan(1e6);
      expect(unpackedBytes).toBeGreaterThan(bytes);
    }
  });

  it('say by their names which Python and platforms pip has to be asked for', () => {
    const [wheel] = wheelsFor(PINNED_WHEELS, '2.20.0', 'cpu', LINUX);
    expect(wheel === undefined ? undefined : wheelTags(wheel)).toEqual({
      python: 'cp312',
      platforms: ['manylinux_2_17_x86_64', 'manylinux2014_x86_64'],
    });
  });
});

describe('a machine that they are not for', () => {
  it.each<[string, Partial<Machine>, 'cpu' | 'gpu', string, string]>([
    ['Windows', { platform: 'win32', glibc: undefined }, 'cpu', 'Linux only', 'win32-x64'],
    ['macOS', { platform: 'darwin', arch: 'arm64', glibc: undefined }, 'gpu', 'Linux only', 'darwin-arm64'],
    ['GPUs on arm64', { arch: 'arm64' }, 'gpu', 'no gpu wheel', 'linux-arm64'],
    ['another processor', { arch: 'riscv64' }, 'cpu', 'no cpu wheel', 'linux-riscv64'],
    ['an old C library', { glibc: '2.26' }, 'cpu', 'C library', 'glibc 2.26'],
    ['a C library that is not GNU', { glibc: undefined }, 'cpu', 'C library', 'another C library, or none'],
  ])('is told so: %s', async (_, change, variant, summary, found) => {
    const error = await thrownBy(() =>
      wheelsFor(PINNED_WHEELS, DEFAULT_TENSORFLOW, variant, { ...LINUX, ...change }),
    );
    expect(error.code).toBe('setup/unsupported');
    expect(error.message).toContain(summary);
    expect(error.found).toBe(found);
    expect(error.remedy).toMatch(/WebAssembly/);
  });

  it('is told which versions there are', async () => {
    const error = await thrownBy(() => wheelsFor(PINNED_WHEELS, '2.9.1', 'cpu', LINUX));
    expect(error).toMatchObject({ code: 'setup/unsupported', expected: '2.21.0 or 2.20.0', found: '2.9.1' });
  });

  it('knows the C library of this machine', () => {
    expect(thisMachine()).toEqual({
      platform: process.platform,
      arch: process.arch,
      glibc: expect.stringMatching(/^2\.\d+$/) as string,
    });
  });
});
