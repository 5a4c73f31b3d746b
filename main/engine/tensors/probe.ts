/** Whether an engine really computes here: it is started as a run starts it, and two small results are compared. */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { ENGINE_NAMES } from '../../../shared/engine.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { startBackend } from './backend.ts';
import { type TensorflowBackend, tensorflowInUse } from './tensorflow/tensorflow-backend.ts';

/**
 * What the program `probe` (probe-process.ts) is asked, as JSON in its argument; it writes the answer as JSON, the last line of its
 * output. It has a process of its own: TensorFlow ends its process on a CPU that it does not know, and can be loaded only once.
 */
export const probeTaskSchema = z.strictObject({
  engine: z.enum(ENGINE_NAMES),
  /** Folder with the installations of TensorFlow. */
  tensorflowHome: z.string(),
});
export type ProbeTask = z.infer<typeof probeTaskSchema>;

export const probeAnswerSchema = z.discriminatedUnion('runs', [
  z.strictObject({
    runs: z.literal(true),
    description: z.string(),
    /** What TensorFlow says of itself; null where it is not what computes. */
    tensorflow: z.strictObject({ version: z.string(), usesGpu: z.boolean() }).nullable(),
    /** From the start of the process. */
    seconds: z.number(),
  }),
  z.strictObject({ runs: z.literal(false), why: z.string() }),
]);
export type ProbeAnswer = z.infer<typeof probeAnswerSchema>;

/** Starts the engine in this process and computes with it. What goes wrong is an answer, not an error. */
export async function probeEngine({ engine, tensorflowHome }: ProbeTask): Promise<ProbeAnswer> {
  try {
    const { description } = await startBackend({ engine, tensorflowHome });
    const backend = tensorflowInUse();
    requireProduct();
    if (backend !== undefined) requireCholesky(backend);
    const tensorflow =
      backend === undefined
        ? null
        : { version: backend.binding.TF_Version, usesGpu: backend.binding.isUsingGpuDevice() };
    return { runs: true, description, tensorflow, seconds: performance.now() / 1000 };
  } catch (error) {
    if (error instanceof ClaqError) return { runs: false, why: error.found ?? error.message };
    return { runs: false, why: error instanceof Error ? error.message : String(error) };
  }
}

/** [2, 3] x [3, 2] of small whole numbers, which every engine gives exactly. */
function requireProduct(): void {
  const product = tf.tidy(() => {
    const left = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const right = tf.tensor2d([7, 8, 9, 10, 11, 12], [3, 2]);
    return tf.matMul(left, right).dataSync();
  });
  requireNear('a matrix product', product, [58, 64, 139, 154], 0);
}

/** Rounding of a factor of a few entries; a GPU takes another order. */
const CHOLESKY_TOLERANCE = 1e-5;

/** A = L L^T with a whole L. The factorization is another library's on a GPU (cuSOLVER), which may be missing. */
function requireCholesky(backend: TensorflowBackend): void {
  const { binding } = backend;
  const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
  const factor = tf.tidy(() => {
    const matrix = tf.tensor2d([4, 2, 0, 2, 5, 6, 0, 6, 10], [3, 3]);
    return backend.executeSingleOutput('Cholesky', [type], [matrix]).dataSync();
  });
  requireNear('a Cholesky factor', factor, [2, 0, 0, 1, 2, 0, 0, 3, 1], CHOLESKY_TOLERANCE);
}

function requireNear(
  what: string,
  found: ArrayLike<number>,
  expected: readonly number[],
  tolerance: number,
): void {
  const near = expected.every((value, i) => Math.abs((found[i] ?? Number.NaN) - value) <= tolerance);
  if (near && found.length === expected.length) return;
  throw new Error(`${what} is wrong: [${Array.from(found).join(', ')}] for [${expected.join(', ')}]`);
}
