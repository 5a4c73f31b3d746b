/** Matrices of a checkpoint on their way to the backend; where TensorFlow runs, halves travel as they are stored. */
import * as tf from '@tensorflow/tfjs-core';
import { ClaqError } from '../../../shared/errors.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { bytesPerElement } from '../checkpoint/safetensors-dtype.ts';
import { uploadHalves } from './tensorflow/half-upload.ts';
import { tensorflowInUse } from './tensorflow/tensorflow-backend.ts';

/** A whole matrix as float32; otherwise as uploadRows. */
export async function uploadMatrix(checkpoint: Checkpoint, name: string): Promise<tf.Tensor2D> {
  return await uploadRows(checkpoint, name, 0, shapeOf(checkpoint, name)[0]);
}

/**
 * Rows [from, to) of a matrix as float32, [to - from, columns]; the caller disposes the tensor.
 * Throws what the checkpoint's reader throws, weights/not-finite among it.
 */
export async function uploadRows(
  checkpoint: Checkpoint,
  name: string,
  from: number,
  to: number,
): Promise<tf.Tensor2D> {
  const [, columns] = shapeOf(checkpoint, name);
  const shape: [number, number] = [to - from, columns];
  const stored = await uploadStored(checkpoint, name, from * columns, shape);
  return stored ?? tf.tensor2d(await checkpoint.readRows(name, from, to), shape);
}

function shapeOf(checkpoint: Checkpoint, name: string): readonly [rows: number, columns: number] {
  const [rows, columns] = checkpoint.tensors.get(name)?.shape ?? [];
  if (rows !== undefined && columns !== undefined) return [rows, columns];
  throw new ClaqError('weights/missing-tensor', `The model has no matrix ${name}`, {
    where: checkpoint.folder,
  });
}

/**
 * Elements from `from` on as they are stored, cast to float32 by TensorFlow. Undefined where that does not work: on other
 * backends, for other dtypes, and for values that are not finite, of which the checkpoint's own reader says where they are.
 */
async function uploadStored(
  checkpoint: Checkpoint,
  name: string,
  from: number,
  shape: [rows: number, columns: number],
): Promise<tf.Tensor2D | undefined> {
  const tensorflow = tensorflowInUse();
  const dtype = checkpoint.tensors.get(name)?.dtype;
  if (tensorflow === undefined || dtype === undefined || dtype === 'F32') return undefined;
  const size = bytesPerElement(dtype);
  const bytes = await checkpoint.readBytes(name, from * size, (from + shape[0] * shape[1]) * size);
  const tensor = uploadHalves(tensorflow, dtype, bytes, shape);
  let isFinite = false;
  try {
    isFinite = tf.tidy(() => tf.all(tf.isFinite(tensor)).dataSync()[0] === 1);
  } finally {
    if (!isFinite) tensor.dispose();
  }
  return isFinite ? tensor : undefined;
}
