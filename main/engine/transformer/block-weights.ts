import * as tf from '@tensorflow/tfjs-core';
import {
  MATRIX_KINDS,
  type MatrixKind,
  type ModelDescription,
  TENSOR_NAMES,
  hasBias,
  matrixName,
  matrixShape,
} from '../../../shared/model.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { uploadMatrix } from '../tensors/upload.ts';
import type { LinearWeights } from './linear.ts';

/**
 * The values that stand in for a matrix of the checkpoint, [rows, columns] row-major; undefined keeps the checkpoint's
 * own. The array must not be changed afterwards: a backend may go on using it.
 */
export type ReplaceMatrix = (block: number, kind: MatrixKind) => Promise<Float32Array | undefined>;

/** The weights of a block's norms. Whoever loads them disposes them. */
export interface BlockNorms {
  readonly inputNorm: tf.Tensor1D;
  readonly ffnNorm: tf.Tensor1D;
  /** Over each head of q and k; undefined in models without (all but Qwen3). */
  readonly queryNorm: tf.Tensor1D | undefined;
  readonly keyNorm: tf.Tensor1D | undefined;
}

/** The weights of one block as tensors. Whoever loads them disposes them. */
export class BlockWeights {
  readonly block: number;
  readonly norms: BlockNorms;
  readonly #model: ModelDescription;
  readonly #matrices: Map<MatrixKind, LinearWeights>;

  private constructor(
    block: number,
    model: ModelDescription,
    norms: BlockNorms,
    matrices: Map<MatrixKind, LinearWeights>,
  ) {
    this.block = block;
    this.#model = model;
    this.norms = norms;
    this.#matrices = matrices;
  }

  /** Reads block `block` of the checkpoint. Throws what the checkpoint's reader throws. */
  static async load(checkpoint: Checkpoint, block: number, replace?: ReplaceMatrix): Promise<BlockWeights> {
    const { model } = checkpoint;
    const loaded: tf.Tensor[] = [];
    const vector = async (name: string): Promise<tf.Tensor1D> => {
      const tensor = await loadVector(checkpoint, name);
      loaded.push(tensor);
      return tensor;
    };
    const matrix = async (kind: MatrixKind): Promise<LinearWeights> => {
      const name = matrixName(block, kind);
      const values = await replace?.(block, kind);
      const weight =
        values === undefined
          ? await uploadMatrix(checkpoint, `${name}.weight`)
          : matrixTensor(model, kind, values);
      loaded.push(weight);
      return { weight, bias: hasBias(model, kind) ? await vector(`${name}.bias`) : undefined };
    };
    try {
      const norms = await loadNorms(checkpoint, block);
      loaded.push(...normTensors(norms));
      const matrices = new Map<MatrixKind, LinearWeights>();
      for (const kind of MATRIX_KINDS) matrices.set(kind, await matrix(kind));
      return new BlockWeights(block, model, norms, matrices);
    } catch (error) {
      tf.dispose(loaded);
      throw error;
    }
  }

  /** The matrix and its bias. */
  linear(kind: MatrixKind): LinearWeights {
    const weights = this.#matrices.get(kind);
    if (weights === undefined) throw new Error(`block ${this.block} was disposed`);
    return weights;
  }

  /** Puts new values, [rows, columns] row-major, in a matrix's place; its bias stays. */
  replace(kind: MatrixKind, values: Float32Array): void {
    const { weight: old, bias } = this.linear(kind);
    this.#matrices.set(kind, { weight: matrixTensor(this.#model, kind, values), bias });
    old.dispose();
  }

  dispose(): void {
    tf.dispose(normTensors(this.norms));
    for (const { weight, bias } of this.#matrices.values()) {
      weight.dispose();
      bias?.dispose();
    }
    this.#matrices.clear();
  }
}

/** The norms of block `block`. Throws what the checkpoint's reader throws. */
export async function loadNorms(checkpoint: Checkpoint, block: number): Promise<BlockNorms> {
  const { qkNorm } = checkpoint.model;
  const loaded: tf.Tensor1D[] = [];
  const norm = async (name: string): Promise<tf.Tensor1D> => {
    const tensor = await loadVector(checkpoint, name);
    loaded.push(tensor);
    return tensor;
  };
  try {
    return {
      inputNorm: await norm(TENSOR_NAMES.inputNorm(block)),
      ffnNorm: await norm(TENSOR_NAMES.ffnNorm(block)),
      queryNorm: qkNorm ? await norm(TENSOR_NAMES.queryNorm(block)) : undefined,
      keyNorm: qkNorm ? await norm(TENSOR_NAMES.keyNorm(block)) : undefined,
    };
  } catch (error) {
    tf.dispose(loaded);
    throw error;
  }
}

export function normTensors({ inputNorm, ffnNorm, queryNorm, keyNorm }: BlockNorms): tf.Tensor1D[] {
  return [inputNorm, ffnNorm, queryNorm, keyNorm].filter((tensor) => tensor !== undefined);
}

/** A norm, or a bias. */
export async function loadVector(checkpoint: Checkpoint, name: string): Promise<tf.Tensor1D> {
  return tf.tensor1d(await checkpoint.read(name));
}

function matrixTensor(model: ModelDescription, kind: MatrixKind, values: Float32Array): tf.Tensor2D {
  const { rows, columns } = matrixShape(model, kind);
  return tf.tensor2d(values, [rows, columns]);
}
