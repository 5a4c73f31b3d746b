import * as tf from '@tensorflow/tfjs-core';
import { TENSOR_NAMES } from '../../../shared/model.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { uploadRows } from '../tensors/upload.ts';
import { rmsNorm } from './norm.ts';

/** Most values of a chunk of the head, or of the logits it makes: 8 Mi float32 are 32 MiB. */
const CHUNK_VALUES = 8 * 1024 * 1024;

/** Rows [from, to) of the head, that is of the vocabulary: [to - from, hidden]. */
export interface HeadChunk {
  readonly from: number;
  readonly to: number;
  readonly rows: tf.Tensor2D;
}

/** Rows of the head to hold at a time for segments of `length` tokens. */
export function headChunkRows(hiddenSize: number, length: number): number {
  return Math.max(1, Math.floor(CHUNK_VALUES / Math.max(hiddenSize, length)));
}

/**
 * The LM head in ranges of vocabulary rows, read by position; it is never held whole. Each chunk is freed when the next
 * one is asked for. Tied models use the embedding table.
 */
export async function* headChunks(
  checkpoint: Checkpoint,
  chunkRows: number,
): AsyncGenerator<HeadChunk, void, void> {
  const { vocabSize, tiedEmbeddings } = checkpoint.model;
  const name = tiedEmbeddings ? TENSOR_NAMES.embedding : TENSOR_NAMES.head;
  for (let from = 0; from < vocabSize; from += chunkRows) {
    const to = Math.min(from + chunkRows, vocabSize);
    const rows = await uploadRows(checkpoint, name, from, to);
    try {
      yield { from, to, rows };
    } finally {
      rows.dispose();
    }
  }
}

export async function loadFinalNorm(checkpoint: Checkpoint): Promise<tf.Tensor1D> {
  return tf.tensor1d(await checkpoint.read(TENSOR_NAMES.finalNorm));
}

/** Logits of a chunk's part of the vocabulary: `hidden` [T, hidden] as it left the last block -> [T, to - from]. */
export function chunkLogits(
  checkpoint: Checkpoint,
  hidden: tf.Tensor2D,
  finalNorm: tf.Tensor1D,
  chunk: HeadChunk,
): tf.Tensor2D {
  return tf.tidy(() => {
    const normed = rmsNorm(hidden, finalNorm, checkpoint.model.rmsNormEpsilon);
    return tf.matMul<tf.Tensor2D>(normed, chunk.rows, false, true);
  });
}

/** The logits of the whole vocabulary, [T, vocabulary] row-major: for a few tokens only. */
export async function allLogits(
  checkpoint: Checkpoint,
  hidden: tf.Tensor2D,
  chunkRows: number = headChunkRows(checkpoint.model.hiddenSize, hidden.shape[0]),
): Promise<Float32Array> {
  const { vocabSize } = checkpoint.model;
  const length = hidden.shape[0];
  const logits = new Float32Array(length * vocabSize);
  const finalNorm = await loadFinalNorm(checkpoint);
  try {
    for await (const chunk of headChunks(checkpoint, chunkRows)) {
      const width = chunk.to - chunk.from;
      const logitsOfChunk = chunkLogits(checkpoint, hidden, finalNorm, chunk);
      const part = logitsOfChunk.dataSync<'float32'>();
      logitsOfChunk.dispose();
      for (let position = 0; position < length; position++) {
        logits.set(
          part.subarray(position * width, (position + 1) * width),
          position * vocabSize + chunk.from,
        );
      }
    }
  } finally {
    finalNorm.dispose();
  }
  return logits;
}
