import { getThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { ClaqError } from '../../../shared/errors.ts';

/**
 * Makes tfjs's WebAssembly backend the one in use; it comes with the program and runs everywhere.
 * @returns what runs, for people. Throws ClaqError engine/backend-unavailable.
 */
export async function startWasm(): Promise<string> {
  // Importing the package registers the backend; in Node it reads its .wasm files from its own folder.
  const running = await tf.setBackend('wasm').catch((cause: unknown) => {
    throw unavailable(cause);
  });
  if (!running) throw unavailable(undefined);
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  const threads = getThreadsCount();
  return `WebAssembly${simd === true ? ' SIMD' : ''}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

function unavailable(cause: unknown): ClaqError {
  return new ClaqError('engine/backend-unavailable', 'The WebAssembly backend of tfjs does not start', {
    expected: '@tensorflow/tfjs-backend-wasm, installed with its .wasm files',
    remedy: 'install the dependencies again (npm ci)',
    cause,
  });
}
