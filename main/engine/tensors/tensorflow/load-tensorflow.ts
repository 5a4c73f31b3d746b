/** Loads TensorFlow from an installation into this process, as tfjs's backend. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { ClaqError } from '../../../../shared/errors.ts';
import { processorInstructionSets } from '../processor.ts';
import { ADDON_FILE } from './installation.ts';
import {
  TENSORFLOW_BACKEND,
  type TensorflowBackend,
  isBinding,
  isTensorflowBackend,
} from './tensorflow-backend.ts';

export interface TensorflowOptions {
  /** Threads of one operation on the CPU; TensorFlow's choice where not given. */
  readonly threads?: number | undefined;
  /** Whether it may use a GPU. */
  readonly gpu: boolean;
}

/** The package whose JavaScript drives the addon. Optional: where it is missing, so is TensorFlow. */
const PACKAGE = '@tensorflow/tfjs-node-gpu';

/**
 * Loads the addon of an installation and makes it tfjs's backend of this thread, once. TensorFlow reads the environment of the
 * process: a thread needs that one, not a copy (SHARE_ENV). Other threads of a process get the TensorFlow that its first one
 * loaded, whichever installation they name. Throws ClaqError engine/backend-unavailable with what the system's loader said.
 */
export async function loadTensorflow(folder: string, options: TensorflowOptions): Promise<TensorflowBackend> {
  const addon = join(folder, ADDON_FILE);
  const before = { ...process.env };
  try {
    prepareEnvironment(options);
    requireAvx();
    prepareUtil();
    const require = createRequire(import.meta.url);
    const binding: unknown = require(addon);
    if (!isBinding(binding)) throw new TypeError('it is not the addon of tfjs-node');
    // Not the package's own entry, which looks for the addon beside itself and downloads it where there is none.
    const backendModule: unknown = require(`${PACKAGE}/dist/nodejs_kernel_backend.js`);
    if (!hasBackendClass(backendModule)) throw new TypeError(`${PACKAGE} has no NodeJSKernelBackend`);
    const { NodeJSKernelBackend } = backendModule;
    require(`${PACKAGE}/dist/register_all_kernels.js`);
    const backend = new NodeJSKernelBackend(binding, PACKAGE);
    if (!isTensorflowBackend(backend)) throw new TypeError(`${PACKAGE} is of another version`);
    tf.registerBackend(TENSORFLOW_BACKEND, () => backend);
    if (!(await tf.setBackend(TENSORFLOW_BACKEND))) throw new Error('tfjs refuses it as its backend');
    return backend;
  } catch (cause) {
    // Programs that are started later shall not inherit what was meant for TensorFlow.
    for (const name of Object.keys(process.env))
      if (!(name in before)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
    throw new ClaqError('engine/backend-unavailable', 'TensorFlow cannot be loaded', {
      where: addon,
      found: cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause),
      remedy: 'install it again (claq setup), or go on without it (--engine wasm)',
      cause,
    });
  }
}

/** TensorFlow ends the whole process on a processor without AVX: better not to load it there. */
function requireAvx(): void {
  if (process.arch === 'x64' && processorInstructionSets()?.has('avx') === false)
    throw new Error('this processor has no AVX');
}

/** What TensorFlow is told through its environment. What the user has set stays. */
function prepareEnvironment({ threads, gpu }: TensorflowOptions): void {
  const { env } = process;
  env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  // With oneDNN the bytes of a product are the same on any number of threads, and half precision uses what the processor
  // has for it. The price is two lines of greetings at each start.
  env['TF_ENABLE_ONEDNN_OPTS'] ??= '1';
  // Memory as it is needed, not all of the card's at once.
  env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  // TF32 rounds the inputs of products to ten bits, Hessians among them.
  env['NVIDIA_TF32_OVERRIDE'] ??= '0';
  if (threads !== undefined) env['TF_NUM_INTRAOP_THREADS'] = String(threads);
  if (gpu) env['CUDA_VISIBLE_DEVICES'] ??= '0';
  else env['CUDA_VISIBLE_DEVICES'] = '-1';
}

/** tfjs-node 4.22 calls two functions that Node took away, or warns of. */
function prepareUtil(): void {
  const functions = {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: (value: unknown) => Array.isArray(value),
  };
  for (const [name, value] of Object.entries(functions)) {
    Object.defineProperty(util, name, { value, configurable: true, writable: true });
  }
}

type BackendClass = new (binding: unknown, packageName: string) => tf.KernelBackend;

function hasBackendClass(module: unknown): module is { readonly NodeJSKernelBackend: BackendClass } {
  return (
    typeof module === 'object' &&
    module !== null &&
    'NodeJSKernelBackend' in module &&
    typeof module.NodeJSKernelBackend === 'function'
  );
}
