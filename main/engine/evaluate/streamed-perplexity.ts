import * as tf from '@tensorflow/tfjs-core';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { OnProgress } from '../../../shared/progress.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { tensorErrors } from '../tensors/tensor-errors.ts';
import { BatchSizes } from '../transformer/batch-sizes.ts';
import { embedSegments } from '../transformer/embedding.ts';
import { Positions } from '../transformer/positions.ts';
import { type StreamedMatrix, streamBlock } from '../transformer/streamed-block.ts';
import { tokenLosses } from '../transformer/token-losses.ts';
import { type Perplexity, perplexityOfLosses, requireWindows } from './window-perplexity.ts';

/** Of the head at a time: 4 MiB, as little as comes of the other matrices. */
const HEAD_VALUES = 2 ** 20;

export interface StreamedEvaluation {
  /** What is not a matrix of a block is read here. */
  readonly checkpoint: Checkpoint;
  readonly matrix: StreamedMatrix;
  /** Token ids, few: their activations are held together. */
  readonly windows: readonly Int32Array[];
  readonly phase: string;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * evaluatePerplexity for few tokens, with weights that pass by a few rows at a time: its memory does not grow with the model's
 * matrices. Needs a started backend.
 * @throws ClaqError text/too-little, tokenizer/does-not-fit, engine/kernel-failed, engine/out-of-memory, run/cancelled, and what
 * reading throws
 */
export async function streamedPerplexity(evaluation: StreamedEvaluation): Promise<Perplexity> {
  return await tensorErrors(() => evaluateStreamed(evaluation));
}

async function evaluateStreamed(evaluation: StreamedEvaluation): Promise<Perplexity> {
  const { checkpoint, matrix, windows, phase, onProgress, signal } = evaluation;
  const { model } = checkpoint;
  const length = requireWindows(windows);
  const tokens = windows.length * length;
  // The head counts as one block more.
  const report = (blocks: number, detail: string): void =>
    onProgress?.({
      phase,
      done: blocks * tokens,
      total: (model.blocks + 1) * tokens,
      unit: 'tokens',
      detail,
    });
  throwIfCancelled(signal);
  const hidden = await embedSegments(checkpoint, windows);
  const positions = new Positions(model, new BatchSizes(length));
  let stream = tf.tidy(() =>
    tf.concat2d(
      windows.map((_, window) => hidden.upload(window)),
      0,
    ),
  );
  try {
    for (let block = 0; block < model.blocks; block++) {
      const at = { checkpoint, block, matrix, positions: positions.of(length), length, signal };
      const behind = await streamBlock(at, stream);
      stream.dispose();
      stream = behind;
      report(block + 1, `block ${block + 1} of ${model.blocks}`);
    }
    for (let window = 0; window < windows.length; window++) {
      const own = (): tf.Tensor2D => tf.slice(stream, [window * length, 0], [length, model.hiddenSize]);
      hidden.compute(window, length, own);
    }
    const chunkRows = Math.ceil(HEAD_VALUES / model.hiddenSize);
    const losses = await tokenLosses(checkpoint, hidden, windows, { signal, chunkRows });
    report(model.blocks + 1, 'head');
    return perplexityOfLosses(losses, length);
  } finally {
    stream.dispose();
    positions.dispose();
    hidden.dispose();
  }
}
