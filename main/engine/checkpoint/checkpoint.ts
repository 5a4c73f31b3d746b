import type { QuantizedSource } from '../../../shared/library.ts';
import type { ModelDescription } from '../../../shared/model.ts';
import type { FloatDtype, StoredDtype } from './safetensors-dtype.ts';

export type TensorDtype = FloatDtype;

export interface TensorEntry {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /** Shard that holds it, a path relative to the model's folder. */
  readonly file: string;
  /**
   * What a dense export in the source's own dtype writes, where that is not `dtype`: codes of a few bits are read as F32 or F16, and
   * were another before.
   */
  readonly sourceDtype?: FloatDtype;
}

/** A tensor that the folder holds and the computation does not use, of whatever dtype. */
export interface ExtraTensor {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly file: string;
}

/** One weights file, with its tensors (needed and extra) in the order of their bytes. */
export interface Shard {
  readonly file: string;
  readonly names: readonly string[];
}

/** The small files beside the weights that say what a model is: config.json, tokenizer.json and their like. */
export interface CompanionFiles {
  /** Ascending. Of a GGUF file, those that its metadata were made into. */
  readonly names: readonly string[];
  /** Undefined where there is none of that name. Throws ClaqError model/config-invalid for one that cannot be read or is too large. */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** A model opened for reading. Tensors are read one at a time by position; nothing is kept. */
export interface Checkpoint {
  /** What it was opened by, absolute: a folder, or a GGUF file. */
  readonly path: string;
  /** Folder of its files. */
  readonly folder: string;
  readonly model: ModelDescription;
  readonly companions: CompanionFiles;
  /** Undefined where the weights are as they were trained. */
  readonly quantized: QuantizedSource | undefined;
  /** Names in `folder` of all files that a result depends on: config, tokenizer, weights. */
  readonly sourceFiles: readonly string[];
  /** What the computation needs, all present and of the right shape (a head beside tied embeddings included). */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** What else is there (`rotary_emb.inv_freq` of old exports, for example): not read, to be told to the user. */
  readonly extras: ReadonlyMap<string, ExtraTensor>;
  readonly shards: readonly Shard[];
  /** Whether an index names the shards (there may be a single one even so). */
  readonly sharded: boolean;
  /** The whole tensor, row-major, as float32. Throws ClaqError weights/missing-tensor, weights/not-finite, weights/malformed. */
  read(name: string): Promise<Float32Array>;
  /** Rows [from, to) of a two-dimensional tensor: [to - from, columns]. */
  readRows(name: string, from: number, to: number): Promise<Float32Array>;
  /** Bytes [from, to) of a tensor or an extra tensor as they are stored. */
  readBytes(name: string, from: number, to: number): Promise<Uint8Array>;
  /** A tensor's bytes as they are stored, into `target`, which has their length and may be shared memory. */
  readInto(name: string, target: Uint8Array): Promise<void>;
  close(): Promise<void>;
}
