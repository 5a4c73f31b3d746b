import type { ModelDescription } from '../../../shared/model.ts';

export type TensorDtype = 'F32' | 'F16' | 'BF16';

export interface TensorEntry {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /** Shard that holds it, a path relative to the model's folder. */
  readonly file: string;
}

/** A model folder opened for reading. Tensors are read one at a time by position; nothing is kept. */
export interface Checkpoint {
  readonly folder: string;
  readonly model: ModelDescription;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The whole tensor, row-major, as float32. Throws ClaqError weights/missing-tensor, weights/not-finite, weights/malformed. */
  read(name: string): Promise<Float32Array>;
  /** Rows [from, to) of a two-dimensional tensor: [to - from, columns]. */
  readRows(name: string, from: number, to: number): Promise<Float32Array>;
  close(): Promise<void>;
}
