/** Why an engine does not run and what mends it, from all that was found. The table in docs/gpu.md says the same at length. */
import type { DriverReport, Fault, InstallationReport } from '../../../shared/doctor.ts';
import { REINSTALL_PACKAGES, TFJS_PACKAGE } from '../tensorflow-setup/addon-source.ts';
import { neededDriver } from './card-requirement.ts';
import { SETUP_COMMANDS } from './installations.ts';
import type { Trial } from './try-engine.ts';

export type FailedTrial = Extract<Trial, { runs: false }>;

export interface Findings {
  /** Why there is no TensorFlow for this system; undefined where there is one. */
  readonly unsupported: { readonly cpu: string | undefined; readonly gpu: string | undefined };
  readonly installations: { readonly cpu: InstallationReport; readonly gpu: InstallationReport };
  /** Whether the package is there whose JavaScript drives the addon. */
  readonly hasPackage: boolean;
  readonly driver: DriverReport;
  readonly visibleDevices: string | null;
  /** LD_LIBRARY_PATH of the environment. */
  readonly libraryPath: string | undefined;
}

const NO_TENSORFLOW = 'nothing on this system: the program computes with WebAssembly';
const SEE_TABLE = 'see "What to do when it fails" in docs/gpu.md';

/** @param trial how it failed; undefined where there was nothing to try */
export function gpuFault(findings: Findings, trial: FailedTrial | undefined): Fault {
  const { unsupported, installations, visibleDevices } = findings;
  if (unsupported.gpu !== undefined) return { why: unsupported.gpu, remedy: NO_TENSORFLOW };
  const driver = driverFault(findings.driver);
  if (trial === undefined) {
    const why = 'TensorFlow for GPUs is not installed';
    if (driver === undefined) return { why, remedy: SETUP_COMMANDS.gpu };
    return { why: `${why}, and ${driver.why}`, remedy: `${driver.remedy}; then ${SETUP_COMMANDS.gpu}` };
  }
  const inPlace = placeFault(installations.gpu, findings);
  if (inPlace !== undefined) return inPlace;
  if (driver !== undefined) return driver;
  if (visibleDevices !== null && !/^\s*[^\s-]/.test(visibleDevices))
    return {
      why: `CUDA_VISIBLE_DEVICES is "${visibleDevices}", which hides every GPU`,
      remedy: 'start the program without it',
    };
  return { why: trial.why, remedy: remedyFor(trial, findings) ?? `${again('gpu')}; ${SEE_TABLE}` };
}

/** @param trial how it failed; undefined where there was nothing to try */
export function cpuFault(findings: Findings, trial: FailedTrial | undefined): Fault {
  const { unsupported, installations } = findings;
  if (unsupported.cpu !== undefined) return { why: unsupported.cpu, remedy: NO_TENSORFLOW };
  if (trial === undefined) return { why: 'TensorFlow is not installed', remedy: SETUP_COMMANDS.cpu };
  // TensorFlow for GPUs takes its place where it is not there.
  const used = installations.cpu.state === 'missing' ? installations.gpu : installations.cpu;
  return (
    placeFault(used, findings) ?? {
      why: trial.why,
      remedy: remedyFor(trial, findings) ?? `${again(used.variant)}; ${SEE_TABLE}`,
    }
  );
}

export function wasmFault(trial: FailedTrial | undefined): Fault {
  return { why: trial?.why ?? 'it was not tried', remedy: REINSTALL_PACKAGES };
}

/** What is wrong with the files. */
function placeFault(installation: InstallationReport, { hasPackage }: Findings): Fault | undefined {
  if (installation.state === 'broken')
    return { ...installation.fault, why: `its installation is broken: ${installation.fault.why}` };
  if (hasPackage) return undefined;
  return { why: `the npm package ${TFJS_PACKAGE} is not installed`, remedy: REINSTALL_PACKAGES };
}

/** What is wrong with the driver, or with each of the cards. */
function driverFault(driver: DriverReport): Fault | undefined {
  const install = `where there is an NVIDIA GPU, install its driver (${neededDriver(null)} or newer) until nvidia-smi lists it`;
  switch (driver.state) {
    case 'missing':
      return { why: 'there is no NVIDIA driver (no nvidia-smi)', remedy: install };
    case 'failed':
      return {
        why: `the NVIDIA driver shows no GPU: ${driver.why}`,
        remedy: `${install}; after an update of the driver, restart`,
      };
    case 'found': {
      const [first] = driver.devices;
      return driver.devices.every((device) => device.fault !== null)
        ? (first?.fault ?? undefined)
        : undefined;
    }
  }
}

/** What TensorFlow or the system's loader says of faults that are known, and what mends them. */
const KNOWN_FAULTS: readonly (readonly [said: RegExp, remedy: string])[] = [
  [
    /compiled to use [\w., ]*AVX/,
    'nothing makes TensorFlow run on this CPU: take it away (claq setup --remove), and runs compute with WebAssembly',
  ],
  [
    /GLIBC(XX)?_[\d.]+' not found/,
    "the system's C++ library is too old for it: a newer system, or claq setup --tensorflow 2.20.0",
  ],
  [
    /driver version is insufficient|unsupported toolchain/,
    `install a newer NVIDIA driver, and restart; ${SEE_TABLE}`,
  ],
  [
    /Could not find cuda drivers|failed call to cuInit/,
    'the driver is not passed in here: in a container give it the GPU (--gpus all); else install the driver again and restart',
  ],
];

function remedyFor({ why, said }: FailedTrial, { libraryPath }: Findings): string | undefined {
  const words = [why, ...said].join('\n');
  if (/Loaded runtime CuDNN|Cannot dlopen/.test(words) && libraryPath !== undefined && libraryPath !== '')
    return 'start the program without LD_LIBRARY_PATH, which leads to other CUDA libraries';
  return KNOWN_FAULTS.find(([pattern]) => pattern.test(words))?.[1];
}

function again(variant: 'cpu' | 'gpu'): string {
  const command = SETUP_COMMANDS[variant];
  return `set it up again (${command} --remove, then ${command})`;
}
