import * as tf from '@tensorflow/tfjs-core';
import { getThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import { ClaqError } from '../../../shared/errors.ts';

/** What carries out the tensor operations. The forward pass is written once and does not know which one it runs on. */
export type BackendName = 'wasm' | 'tensorflow-cpu' | 'tensorflow-gpu';

export interface BackendInfo {
  readonly name: BackendName;
  /** For people: "WebAssembly SIMD, 1 thread". */
  readonly description: string;
}

let started: Promise<BackendInfo> | undefined;

/**
 * Starts the best tensor backend that is installed; later calls return the one that runs. Every tfjs operation needs
 * this first. Throws ClaqError engine/backend-unavailable.
 */
export function startBackend(): Promise<BackendInfo> {
  started ??= startWasm();
  return started;
}

async function startWasm(): Promise<BackendInfo> {
  // Importing the package registers the backend; in Node it reads its .wasm files from its own folder.
  const running = await tf.setBackend('wasm').catch((cause: unknown) => {
    throw unavailable(cause);
  });
  if (!running) throw unavailable(undefined);
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  const threads = getThreadsCount();
  return {
    name: 'wasm',
    description: `WebAssembly${simd === true ? ' SIMD' : ''}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
  };
}

function unavailable(cause: unknown): ClaqError {
  return new ClaqError('engine/backend-unavailable', 'The WebAssembly backend of tfjs does not start', {
    expected: '@tensorflow/tfjs-backend-wasm, installed with its .wasm files',
    remedy: 'Install the dependencies again (npm ci)',
    cause,
  });
}
