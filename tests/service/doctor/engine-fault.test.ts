import { describe, expect, it } from 'vitest';
import {
  cpuFault,
  type FailedTrial,
  type Findings,
  gpuFault,
  wasmFault,
} from '../../../main/service/doctor/engine-fault.ts';
import type { DriverReport, InstallationReport } from '../../../shared/doctor.ts';

function installed(variant: 'cpu' | 'gpu'): InstallationReport {
  return {
    variant,
    state: 'installed',
    folder: `/cache/${variant}`,
    bytes: 1,
    tensorflow: '2.21.0',
    addon: '4.22.0',
    origin: 'built',
    cuda: null,
    cudnn: null,
  };
}

function missing(variant: 'cpu' | 'gpu'): InstallationReport {
  return { variant, state: 'missing', folder: `/cache/${variant}` };
}

const BROKEN: InstallationReport = {
  variant: 'gpu',
  state: 'broken',
  folder: '/cache/gpu',
  bytes: 1,
  fault: { why: 'libtensorflow_cc.so.2 is missing', remedy: 'claq setup --gpu' },
};

/** A machine where all is well: a card, its driver, both TensorFlows. */
const ALL: Findings = {
  unsupported: { cpu: undefined, gpu: undefined },
  installations: { cpu: installed('cpu'), gpu: installed('gpu') },
  hasPackage: true,
  driver: {
    state: 'found',
    version: '570.86',
    devices: [{ name: 'A card', memoryBytes: 1, computeCapability: '8.9', fault: null }],
  },
  visibleDevices: null,
  libraryPath: undefined,
};

const OLD_DRIVER: DriverReport = {
  state: 'found',
  version: '470.82',
  devices: [
    {
      name: 'A card',
      memoryBytes: 1,
      computeCapability: null,
      fault: { why: 'the driver is too old', remedy: 'install a newer one' },
    },
  ],
};

function trial(why: string, ...said: string[]): FailedTrial {
  return { runs: false, why, said, fatal: false };
}
const NO_DEVICE = 'TensorFlow finds no CUDA device';

describe('gpuFault', () => {
  const neither = { cpu: missing('cpu'), gpu: missing('gpu') };

  it.each<[string, Partial<Findings>, FailedTrial | undefined, string, RegExp | string]>([
    [
      'a card, and no TensorFlow',
      { installations: neither },
      undefined,
      'TensorFlow for GPUs is not installed',
      'claq setup --gpu',
    ],
    [
      'neither a driver nor TensorFlow',
      { installations: neither, driver: { state: 'missing' } },
      undefined,
      'TensorFlow for GPUs is not installed, and there is no NVIDIA driver (no nvidia-smi)',
      'where there is an NVIDIA GPU, install its driver (525 or newer) until nvidia-smi lists it; then claq setup --gpu',
    ],
    [
      'an old driver, and no TensorFlow',
      { installations: neither, driver: OLD_DRIVER },
      undefined,
      'TensorFlow for GPUs is not installed, and the driver is too old',
      'install a newer one; then claq setup --gpu',
    ],
    [
      'another system',
      { unsupported: { cpu: 'Linux only', gpu: 'Linux only' }, installations: neither },
      undefined,
      'Linux only',
      'nothing on this system: the program computes with WebAssembly',
    ],
    [
      'an installation with a library less',
      { installations: { cpu: missing('cpu'), gpu: BROKEN } },
      trial('TensorFlow cannot be loaded'),
      'its installation is broken: libtensorflow_cc.so.2 is missing',
      'claq setup --gpu',
    ],
    [
      'no npm package',
      { hasPackage: false },
      trial('TensorFlow cannot be loaded'),
      'the npm package @tensorflow/tfjs-node-gpu is not installed',
      /npm ci --ignore-scripts/,
    ],
    [
      'an old driver',
      { driver: OLD_DRIVER },
      trial(NO_DEVICE),
      'the driver is too old',
      'install a newer one',
    ],
    [
      'a driver that does not run',
      { driver: { state: 'failed', why: 'nvidia-smi does not answer' } },
      trial(NO_DEVICE),
      'the NVIDIA driver shows no GPU: nvidia-smi does not answer',
      /restart$/,
    ],
    ...['', '-1', ' '].map((visibleDevices): [string, Partial<Findings>, FailedTrial, string, string] => [
      `hidden devices (${visibleDevices})`,
      { visibleDevices },
      trial(NO_DEVICE),
      `CUDA_VISIBLE_DEVICES is "${visibleDevices}", which hides every GPU`,
      'start the program without it',
    ]),
    [
      'a container without the driver',
      {},
      trial(NO_DEVICE, 'failed call to cuInit: UNKNOWN ERROR (303)'),
      NO_DEVICE,
      /--gpus all/,
    ],
    [
      'a driver that TensorFlow finds too old',
      {},
      trial(NO_DEVICE, 'CUDA driver version is insufficient for CUDA runtime version'),
      NO_DEVICE,
      /newer NVIDIA driver/,
    ],
    [
      'older libraries on the library path',
      { libraryPath: '/usr/local/cuda-11/lib64' },
      trial(NO_DEVICE, 'Cannot dlopen some GPU libraries.'),
      NO_DEVICE,
      /without LD_LIBRARY_PATH/,
    ],
    [
      'libraries that do not load',
      {},
      trial(NO_DEVICE, 'Cannot dlopen some GPU libraries.'),
      NO_DEVICE,
      /^set it up again \(claq setup --gpu --remove, then claq setup --gpu\)/,
    ],
  ])('%s', (_, change, failed, why, remedy) => {
    expect(gpuFault({ ...ALL, ...change }, failed)).toEqual({
      why,
      remedy: remedy instanceof RegExp ? (expect.stringMatching(remedy) as unknown) : remedy,
    });
  });

  it('sees that a chosen device is not a hidden one', () => {
    expect(gpuFault({ ...ALL, visibleDevices: '1' }, trial(NO_DEVICE)).why).toBe(NO_DEVICE);
  });
});

describe('cpuFault', () => {
  it.each<[string, Partial<Findings>, FailedTrial | undefined, string, RegExp]>([
    ['nothing there', {}, undefined, 'TensorFlow is not installed', /^claq setup$/],
    [
      'only the one for GPUs, broken',
      { installations: { cpu: missing('cpu'), gpu: BROKEN } },
      trial('TensorFlow cannot be loaded'),
      'its installation is broken: libtensorflow_cc.so.2 is missing',
      /^claq setup --gpu$/,
    ],
    [
      'a CPU without AVX',
      {},
      trial(
        'it ends its process (SIGABRT)',
        "The TensorFlow library was compiled to use AVX instructions, but these aren't available",
      ),
      'it ends its process (SIGABRT)',
      /claq setup --remove/,
    ],
    [
      'an old system',
      {},
      trial("TensorFlow cannot be loaded: /lib/libstdc++.so.6: version `GLIBCXX_3.4.29' not found"),
      "TensorFlow cannot be loaded: /lib/libstdc++.so.6: version `GLIBCXX_3.4.29' not found",
      /C\+\+ library is too old/,
    ],
    [
      'something else',
      {},
      trial('a matrix product is wrong'),
      'a matrix product is wrong',
      /^set it up again/,
    ],
  ])('%s', (_, change, failed, why, remedy) => {
    expect(cpuFault({ ...ALL, ...change }, failed)).toEqual({
      why,
      remedy: expect.stringMatching(remedy) as unknown,
    });
  });
});

describe('wasmFault', () => {
  it('is mended by the packages', () => {
    expect(wasmFault(trial('The WebAssembly backend of tfjs does not start'))).toEqual({
      why: 'The WebAssembly backend of tfjs does not start',
      remedy: expect.stringMatching(/npm ci/) as unknown,
    });
  });
});
