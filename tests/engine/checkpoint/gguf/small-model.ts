/** A LLaMA of one block as a GGUF file, small enough to write in a test. */
import { VALUE, ggufBytes } from './gguf-bytes.ts';
import type { Entry, FileToWrite, TensorToWrite } from './gguf-bytes.ts';

/** Hidden size 8, two heads of 4 values, one for keys and values, FFN 16, six tokens. */
export const SMALL_ENTRIES: readonly Entry[] = [
  ['general.architecture', VALUE.text, 'llama'],
  ['llama.context_length', VALUE.u32, 32],
  ['llama.embedding_length', VALUE.u32, 8],
  ['llama.block_count', VALUE.u32, 1],
  ['llama.feed_forward_length', VALUE.u32, 16],
  ['llama.attention.head_count', VALUE.u32, 2],
  ['llama.attention.head_count_kv', VALUE.u32, 1],
  ['llama.attention.layer_norm_rms_epsilon', VALUE.f32, 1e-5],
];

export const SMALL_TENSORS: readonly TensorToWrite[] = [
  floats('token_embd.weight', [8, 6]),
  floats('blk.0.attn_norm.weight', [8]),
  floats('blk.0.attn_q.weight', [8, 8]),
  floats('blk.0.attn_k.weight', [8, 4]),
  floats('blk.0.attn_v.weight', [8, 4]),
  floats('blk.0.attn_output.weight', [8, 8]),
  floats('blk.0.ffn_norm.weight', [8]),
  floats('blk.0.ffn_gate.weight', [8, 16]),
  floats('blk.0.ffn_up.weight', [8, 16]),
  floats('blk.0.ffn_down.weight', [16, 8]),
  floats('output_norm.weight', [8]),
];

/** An F32 tensor whose values are their indices. @param dimensions ggml's: from the innermost on */
export function floats(name: string, dimensions: readonly number[]): TensorToWrite {
  const count = dimensions.reduce((product, size) => product * size, 1);
  return tensorOf(
    name,
    dimensions,
    Float32Array.from({ length: count }, (_, index) => index),
  );
}

export function tensorOf(name: string, dimensions: readonly number[], values: Float32Array): TensorToWrite {
  return { name, dimensions, type: 0, data: new Uint8Array(values.buffer) };
}

export interface Changes {
  /** In place of those of the same key, or besides. */
  readonly entries?: readonly Entry[];
  readonly withoutEntry?: string;
  /** In place of those of the same name, or besides. */
  readonly tensors?: readonly TensorToWrite[];
  readonly withoutTensor?: string;
  readonly file?: Partial<FileToWrite>;
}

export function smallModel(changes: Changes = {}): Uint8Array<ArrayBuffer> {
  const { entries = [], tensors = [] } = changes;
  const keys = new Set([...entries.map(([key]) => key), changes.withoutEntry]);
  const names = new Set([...tensors.map(({ name }) => name), changes.withoutTensor]);
  return ggufBytes({
    entries: [...SMALL_ENTRIES.filter(([key]) => !keys.has(key)), ...entries],
    tensors: [...SMALL_TENSORS.filter(({ name }) => !names.has(name)), ...tensors],
    ...changes.file,
  });
}
