import { describe, expect, it } from 'vitest';
import { doctorText } from '../../main/cli/doctor-text.ts';
import type { DoctorReport } from '../../shared/doctor.ts';

const GPU_FAULT = {
  why: 'the driver 470.82.01 is too old for Tesla V100',
  remedy: "install NVIDIA's driver 525 or newer, and restart",
};

const REPORT: DoctorReport = {
  program: 'claq-studio 1.2.3',
  node: '24.1.0',
  platform: 'linux-x64',
  cores: 16,
  memoryBytes: 64e9,
  engine: 'auto',
  taken: 'tensorflow-cpu',
  engines: [
    {
      name: 'tensorflow-gpu',
      runs: false,
      fault: GPU_FAULT,
      said: ['failed call to cuInit'],
      fatal: false,
    },
    {
      name: 'tensorflow-cpu',
      runs: true,
      description: 'TensorFlow 2.21.0 on the CPU',
      tensorflow: { version: '2.21.0', usesGpu: false },
      seconds: 0.84,
    },
    { name: 'wasm', runs: true, description: 'WebAssembly SIMD, 1 thread', tensorflow: null, seconds: 0.31 },
  ],
  installations: [
    {
      variant: 'gpu',
      state: 'installed',
      folder: '/cache/gpu',
      bytes: 5.45e9,
      tensorflow: '2.21.0',
      addon: '4.22.0',
      origin: 'shipped',
      cuda: '12.9.79',
      cudnn: '9.10.2.21',
    },
    { variant: 'cpu', state: 'missing', folder: '/cache/cpu' },
  ],
  driver: {
    state: 'found',
    version: '470.82.01',
    devices: [{ name: 'Tesla V100', memoryBytes: 16e9, computeCapability: '7.0', fault: GPU_FAULT }],
  },
  visibleDevices: '0',
  kernels: { flavour: 'relaxed' },
  cache: { folder: '/cache', freeBytes: 100e9 },
};

/** As a terminal without colours shows it. */
function text(report: DoctorReport): string {
  return doctorText(report).replaceAll(/\u001b\[\d+m/g, '');
}

describe('doctorText', () => {
  it('gives the verdict, the engines, and the machine', () => {
    expect(text(REPORT)).toBe(`claq-studio 1.2.3, Node 24.1.0, linux-x64, 16 cores, 64.0 GB of memory

A run computes with tensorflow-cpu: TensorFlow 2.21.0 on the CPU.

tensorflow-gpu  does not run: the driver 470.82.01 is too old for Tesla V100
                it said: failed call to cuInit
                what to do: install NVIDIA's driver 525 or newer, and restart
tensorflow-cpu  runs: TensorFlow 2.21.0 on the CPU, tried in 0.8 s
wasm            runs: WebAssembly SIMD, 1 thread, tried in 0.3 s

TensorFlow for GPUs   2.21.0, CUDA 12.9.79, cuDNN 9.10.2.21, addon 4.22.0 as it came with the program
                      5.45 GB in /cache/gpu
TensorFlow for CPUs   not installed
NVIDIA driver         470.82.01
GPU 0                 Tesla V100, 16.0 GB, compute capability 7.0
                      the driver 470.82.01 is too old for Tesla V100
                      what to do: install NVIDIA's driver 525 or newer, and restart
CUDA_VISIBLE_DEVICES  "0"
SIMD kernels          relaxed SIMD, with fused multiply-add, 16 threads
free disk             100 GB, for /cache
`);
  });

  it('says that a driver is new enough, and leaves out what the driver does not say', () => {
    const device = { name: 'NVIDIA GB10', memoryBytes: null, computeCapability: null, fault: null };
    const shown = text({ ...REPORT, driver: { state: 'found', version: '580.65.06', devices: [device] } });
    expect(shown).toMatch(/^NVIDIA driver +580\.65\.06, new enough$/m);
    expect(shown).toMatch(/^GPU 0 +NVIDIA GB10$/m);
  });

  it.each<[string, DoctorReport['driver'], RegExp]>([
    ['is missing', { state: 'missing' }, /^NVIDIA driver +no nvidia-smi on the PATH$/m],
    ['fails', { state: 'failed', why: 'it hangs' }, /^NVIDIA driver +it hangs$/m],
  ])('says so where the driver %s', (_, driver, line) => {
    expect(text({ ...REPORT, driver })).toMatch(line);
  });

  it('shows what is broken, with what mends it', () => {
    const broken: DoctorReport['installations'][number] = {
      variant: 'cpu',
      state: 'broken',
      folder: '/cache/cpu',
      bytes: 7,
      fault: { why: 'a library is missing', remedy: 'claq setup' },
    };
    expect(text({ ...REPORT, installations: [broken] })).toMatch(
      /^TensorFlow for CPUs +broken, in \/cache\/cpu\n +a library is missing\n +what to do: claq setup$/m,
    );
  });

  it.each<[string, Partial<DoctorReport>, string]>([
    [
      'the forced engine does not run',
      { engine: 'tensorflow-gpu', taken: null },
      'A run with --engine tensorflow-gpu ends with an error.',
    ],
    [
      'an engine ends its process',
      {
        taken: null,
        engines: REPORT.engines.map((engine) => (engine.runs ? engine : { ...engine, fatal: true })),
      },
      'A run would be ended by tensorflow-gpu. Until that is mended, use --engine tensorflow-cpu.',
    ],
    [
      'nothing runs',
      { taken: null, engines: REPORT.engines.slice(0, 1) },
      'No run is possible: no engine runs.',
    ],
    [
      'the kernels do not run',
      { taken: null, kernels: { fault: { why: 'no SIMD', remedy: 'use Node 24' } } },
      'No run is possible: the SIMD kernels, which every engine needs, do not run.',
    ],
  ])('gives its verdict where %s', (_, change, verdict) => {
    expect(text({ ...REPORT, ...change }).split('\n')[2]).toBe(verdict);
  });
});
