/** `claq doctor`: what a run would compute with on this machine, and what is in the way of something better. */
import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';
import manifest from '../../../package.json' with { type: 'json' };
import {
  type DoctorReport,
  type DoctorRequest,
  doctorRequestSchema,
  type EngineReport,
  type Fault,
} from '../../../shared/doctor.ts';
import { ENGINE_NAMES, type EngineChoice, type EngineName } from '../../../shared/engine.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import { loadKernelModule } from '../../engine/kernels/kernel-module.ts';
import type { TensorflowVariant } from '../../engine/tensors/tensorflow/installation.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { packageVersion, TFJS_PACKAGE, TFJS_VERSION } from '../tensorflow-setup/addon-source.ts';
import { DEFAULT_TENSORFLOW, thisMachine, wheelsFor } from '../tensorflow-setup/pinned-wheels.ts';
import { type SetupPlace, userPlace } from '../tensorflow-setup/place.ts';
import { validRequest } from '../valid-request.ts';
import { cpuFault, type FailedTrial, type Findings, gpuFault, wasmFault } from './engine-fault.ts';
import { reportInstallation } from './installations.ts';
import { askNvidiaSmi } from './nvidia-smi.ts';
import { tryEngine } from './try-engine.ts';

export type DoctorPlace = Pick<SetupPlace, 'home' | 'env' | 'pinned'>;

/**
 * Looks at the machine and tries every engine that is there. Changes nothing. What is missing or broken stands in the report.
 *
 * @throws ClaqError request/invalid, run/cancelled
 */
export async function examineMachine(
  request: DoctorRequest,
  hooks: RunHooks = {},
  place: DoctorPlace = userPlace(),
): Promise<DoctorReport> {
  const { engine } = validRequest(doctorRequestSchema, request);
  const findings = await look(place, hooks);
  const engines = await tryEngines(findings, place, hooks);
  const kernels = await kernelFlavour();
  return {
    program: `${manifest.name} ${manifest.version}`,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    engine,
    taken: 'fault' in kernels ? null : takenEngine(engine, engines),
    engines,
    installations: [findings.installations.gpu, findings.installations.cpu],
    driver: findings.driver,
    visibleDevices: findings.visibleDevices,
    kernels,
    cache: { folder: place.home, freeBytes: await freeBytes(place.home) },
  };
}

async function look({ home, env, pinned }: DoctorPlace, { signal }: RunHooks): Promise<Findings> {
  return {
    unsupported: { cpu: unsupported('cpu', pinned), gpu: unsupported('gpu', pinned) },
    installations: { cpu: await reportInstallation('cpu', home), gpu: await reportInstallation('gpu', home) },
    hasPackage: (await packageVersion(TFJS_PACKAGE)) === TFJS_VERSION,
    driver: await askNvidiaSmi({ env, signal }),
    visibleDevices: env['CUDA_VISIBLE_DEVICES'] ?? null,
    libraryPath: env['LD_LIBRARY_PATH'],
  };
}

/** Why the set-up would refuse this system. */
function unsupported(variant: TensorflowVariant, pinned: SetupPlace['pinned']): string | undefined {
  try {
    wheelsFor(pinned, DEFAULT_TENSORFLOW, variant, thisMachine());
    return undefined;
  } catch (error) {
    if (error instanceof ClaqError && error.code === 'setup/unsupported')
      return `${error.message} (this is ${error.found ?? 'another system'})`;
    throw error;
  }
}

/** One after the other: two at once would share the cores, or the GPU's memory. */
async function tryEngines(findings: Findings, place: DoctorPlace, hooks: RunHooks): Promise<EngineReport[]> {
  const reports: EngineReport[] = [];
  for (const [done, engine] of ENGINE_NAMES.entries()) {
    const report = (finished: number): void =>
      hooks.onProgress?.({
        phase: 'Trying the engines',
        done: finished,
        total: ENGINE_NAMES.length,
        unit: 'steps',
        detail: engine,
      });
    report(done);
    reports.push(await reportEngine(engine, findings, place, hooks));
    report(done + 1);
  }
  return reports;
}

async function reportEngine(
  name: EngineName,
  findings: Findings,
  { home, env }: DoctorPlace,
  { signal }: RunHooks,
): Promise<EngineReport> {
  const trial = isThere(name, findings)
    ? await tryEngine({ engine: name, tensorflowHome: home }, { env, signal })
    : undefined;
  if (trial?.runs === true) return { name, ...trial };
  const { said = [], fatal = false } = trial ?? {};
  return { name, runs: false, fault: faultOf(name, findings, trial), said, fatal };
}

function faultOf(name: EngineName, findings: Findings, trial: FailedTrial | undefined): Fault {
  switch (name) {
    case 'tensorflow-gpu':
      return gpuFault(findings, trial);
    case 'tensorflow-cpu':
      return cpuFault(findings, trial);
    case 'wasm':
      return wasmFault(trial);
  }
}

/** Whether there is anything to try. */
function isThere(name: EngineName, { installations: { cpu, gpu } }: Findings): boolean {
  switch (name) {
    case 'tensorflow-gpu':
      return gpu.state !== 'missing';
    case 'tensorflow-cpu':
      return cpu.state !== 'missing' || gpu.state !== 'missing';
    case 'wasm':
      return true;
  }
}

/** The first that runs. One that takes its process along takes the run along that tries it on the way. */
function takenEngine(choice: EngineChoice, engines: readonly EngineReport[]): EngineName | null {
  const asked = engines.filter(({ name }) => choice === 'auto' || choice === name);
  const first = asked.find((each) => each.runs || each.fatal);
  return first?.runs === true ? first.name : null;
}

async function kernelFlavour(): Promise<DoctorReport['kernels']> {
  try {
    return { flavour: (await loadKernelModule()).flavour };
  } catch (error) {
    if (!(error instanceof ClaqError)) throw error;
    return { fault: { why: error.message, remedy: error.remedy ?? 'use Node 24 on x64 or arm64' } };
  }
}

/** On the disk that a folder lies on, or will lie on. */
async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT' || folder === dirname(folder)) throw error;
    return freeBytes(dirname(folder));
  }
}
