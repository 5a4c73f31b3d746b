/** Chooses what carries out the tensor operations. The forward pass is written once and does not know which one it is. */
import * as tf from '@tensorflow/tfjs-core';
import { ENGINE_NAMES, type EngineChoice, type EngineName, type PassedOver } from '../../../shared/engine.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { type Installation, readInstallation } from './tensorflow/installation.ts';
import { type TensorflowOptions, loadTensorflow } from './tensorflow/load-tensorflow.ts';
import { TENSORFLOW_BACKEND, type TensorflowBackend } from './tensorflow/tensorflow-backend.ts';
import { startWasm } from './wasm-backend.ts';

export interface BackendInfo {
  readonly name: EngineName;
  /** For people: "TensorFlow 2.21.0 on the CPU", "WebAssembly SIMD, 1 thread". */
  readonly description: string;
  /** Better ones that were not taken, and why. */
  readonly passedOver: readonly PassedOver[];
}

export interface BackendOptions {
  readonly engine?: EngineChoice | undefined;
  /** Threads of TensorFlow's operations on the CPU. */
  readonly threads?: number | undefined;
  /** Folder with the installations of TensorFlow, where not the user's. */
  readonly tensorflowHome?: string | undefined;
}

/**
 * Makes the engine of choice tfjs's backend; `auto` takes the best that runs here. Every tfjs operation needs this first.
 * TensorFlow can be loaded once in a process: a later call may go over to wasm and back, not to another installation.
 * Throws ClaqError engine/backend-unavailable where the chosen one does not run.
 */
export async function startBackend(options: BackendOptions = {}): Promise<BackendInfo> {
  const { engine = 'auto' } = options;
  const passedOver: PassedOver[] = [];
  for (const name of engine === 'auto' ? ENGINE_NAMES : [engine]) {
    const outcome = await START[name](options);
    if (typeof outcome === 'string') return { name, description: outcome, passedOver };
    passedOver.push({ name, ...outcome });
  }
  const [refused] = passedOver;
  throw new ClaqError('engine/backend-unavailable', `The engine ${engine} does not run here`, {
    ...(refused === undefined ? {} : { found: refused.why }),
    remedy: `${refused?.remedy ?? 'see claq doctor'}, or take another engine (--engine wasm)`,
  });
}

type Refusal = Omit<PassedOver, 'name'>;

/** What each engine runs as, for people, or why it does not. */
const START: Record<EngineName, (options: BackendOptions) => Promise<string | Refusal>> = {
  'tensorflow-gpu': async ({ tensorflowHome, threads }) => {
    const gpu = await readInstallation('gpu', tensorflowHome);
    if (gpu.state !== 'installed') return notInstalled(gpu);
    const backend = await loadOnce(gpu.folder, { gpu: true, threads });
    if ('why' in backend) return backend;
    if (!backend.binding.isUsingGpuDevice()) {
      return { why: 'TensorFlow finds no CUDA device', remedy: 'claq doctor says what is missing' };
    }
    return `TensorFlow ${backend.binding.TF_Version} on the GPU`;
  },

  'tensorflow-cpu': async ({ tensorflowHome, threads }) => {
    const cpu = await readInstallation('cpu', tensorflowHome);
    // TensorFlow for GPUs computes on a CPU as well, and may have been loaded already in search of one.
    const gpu = await readInstallation('gpu', tensorflowHome);
    const installed = [cpu, gpu].find(({ state }) => state === 'installed');
    if (loaded === undefined && installed === undefined) return notInstalled(cpu);
    const backend = await loadOnce(loaded?.folder ?? installed?.folder ?? cpu.folder, {
      gpu: false,
      threads,
    });
    if ('why' in backend) return backend;
    if (backend.binding.isUsingGpuDevice())
      return { why: 'TensorFlow runs on the GPU already', remedy: undefined };
    return `TensorFlow ${backend.binding.TF_Version} on the CPU`;
  },

  wasm: () => startWasm(),
};

/** TensorFlow as this process has loaded it. */
let loaded:
  | {
      readonly folder: string;
      readonly backend: TensorflowBackend;
      /** Why it cannot be used after all: a process that has loaded it cannot load another. */
      readonly fault: string | undefined;
    }
  | undefined;

async function loadOnce(folder: string, options: TensorflowOptions): Promise<TensorflowBackend | Refusal> {
  if (loaded === undefined) {
    try {
      const backend = await loadTensorflow(folder, options);
      loaded = { folder, backend, fault: await productFault() };
    } catch (error) {
      if (!(error instanceof ClaqError)) throw error;
      return { why: `TensorFlow cannot be loaded: ${error.found ?? error.message}`, remedy: 'claq setup' };
    }
  } else if (loaded.folder !== folder) {
    return { why: 'this process has loaded another TensorFlow', remedy: undefined };
  }
  if (loaded.fault !== undefined) {
    return {
      why: `TensorFlow cannot multiply here: ${loaded.fault}`,
      remedy: 'claq doctor says what is missing',
    };
  }
  await tf.setBackend(TENSORFLOW_BACKEND);
  return loaded.backend;
}

/** A card that is too new or too old for TensorFlow, or CUDA libraries that do not fit, show at the first product only. */
async function productFault(): Promise<string | undefined> {
  const ones: tf.Tensor2D = tf.ones([64, 64]);
  try {
    const product = tf.matMul(ones, ones);
    const values = await product.data();
    product.dispose();
    return values.every((value) => value === 64) ? undefined : 'a product came out wrong';
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? error.message) : String(error);
  } finally {
    ones.dispose();
  }
}

function notInstalled({ state, variant, ...installation }: Installation): Refusal {
  const remedy = variant === 'gpu' ? 'claq setup --gpu' : 'claq setup';
  const what = variant === 'gpu' ? 'TensorFlow for GPUs' : 'TensorFlow';
  if (state === 'broken' && 'why' in installation)
    return { why: `${what} is broken: ${installation.why}`, remedy };
  return { why: `${what} is not installed`, remedy };
}
