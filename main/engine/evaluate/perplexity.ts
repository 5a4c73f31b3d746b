import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { OnProgress } from '../../../shared/progress.ts';
import { evaluationBytes, tokensOf } from '../activation-bytes.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { BatchSizes, shrinkNote } from '../transformer/batch-sizes.ts';
import { forwardBlock } from '../transformer/block.ts';
import { BlockWeights, type ReplaceMatrix } from '../transformer/block-weights.ts';
import { embedSegments } from '../transformer/embedding.ts';
import type { HiddenStates } from '../transformer/hidden-states.ts';
import { HostMemory } from '../transformer/host-memory.ts';
import { Positions } from '../transformer/positions.ts';
import { forEachSegment } from '../transformer/segment-loop.ts';
import { tensorErrors } from '../tensors/tensor-errors.ts';
import { tokenLosses } from '../transformer/token-losses.ts';
import { type Perplexity, perplexityOfLosses, requireWindows } from './window-perplexity.ts';

export interface EvaluationOptions {
  /** Phase shown while the evaluation runs. */
  readonly phase?: string;
  readonly onProgress?: OnProgress | undefined;
  /** What is worth a line for people: memory that is short. */
  readonly onNote?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Host memory for hidden states; by default as HostMemory has it. */
  readonly memory?: HostMemory | undefined;
  /** Of the work on a window; by default all of it, and smaller where the backend's memory runs out. */
  readonly sizes?: BatchSizes | undefined;
}

/**
 * Windows of text on their way through a model, block by block. Whoever owns the weights drives it, so a quantization
 * run can pass its windows through each block as soon as that is quantized:
 *
 *   const evaluation = await PerplexityEvaluation.start(checkpoint, windows);
 *   for (each block) await evaluation.advance(weights);
 *   const { perplexity } = await evaluation.score();
 *   evaluation.dispose();
 */
export class PerplexityEvaluation {
  readonly #checkpoint: Checkpoint;
  readonly #windows: readonly Int32Array[];
  readonly #hidden: HiddenStates;
  readonly #positions: Positions;
  readonly #contextLength: number;
  readonly #options: EvaluationOptions;
  #nextBlock = 0;

  private constructor(
    checkpoint: Checkpoint,
    windows: readonly Int32Array[],
    contextLength: number,
    hidden: HiddenStates,
    options: EvaluationOptions,
  ) {
    this.#checkpoint = checkpoint;
    this.#windows = windows;
    this.#contextLength = contextLength;
    this.#hidden = hidden;
    const tellOfShrink = (sizes: BatchSizes): void => options.onNote?.(shrinkNote(sizes));
    this.#positions = new Positions(
      checkpoint.model,
      options.sizes ?? new BatchSizes(contextLength, tellOfShrink),
    );
    this.#options = options;
  }

  /**
   * Embeds the windows, token ids all of one length; the caller disposes the evaluation. Throws ClaqError text/too-little
   * without a window of two tokens, tokenizer/does-not-fit for ids outside the vocabulary, and what the checkpoint's reader
   * throws.
   */
  static async start(
    checkpoint: Checkpoint,
    windows: readonly Int32Array[],
    options: EvaluationOptions = {},
  ): Promise<PerplexityEvaluation> {
    const contextLength = requireWindows(windows);
    throwIfCancelled(options.signal);
    const hidden = await embedSegments(checkpoint, windows, options.memory);
    return new PerplexityEvaluation(checkpoint, windows, contextLength, hidden, options);
  }

  /** Takes all windows through the next block. Throws ClaqError run/cancelled. */
  async advance(weights: BlockWeights): Promise<void> {
    if (weights.block !== this.#nextBlock)
      throw new Error(`block ${weights.block} came before ${this.#nextBlock}`);
    const { model } = this.#checkpoint;
    const { sizes } = this.#positions;
    const advanceWindow = (window: number): void => {
      const positions = this.#positions.of(this.#contextLength);
      this.#hidden.transform(window, (hidden) =>
        forwardBlock(model, positions, hidden, weights, sizes.tokens),
      );
      this.#report(
        this.#nextBlock + (window + 1) / this.#windows.length,
        `block ${this.#nextBlock + 1} of ${model.blocks}`,
      );
    };
    await forEachSegment(this.#windows.length, this.#options.signal, advanceWindow, sizes);
    this.#nextBlock++;
  }

  /** The perplexity, once all blocks are done. Throws ClaqError run/cancelled, engine/kernel-failed. */
  async score(): Promise<Perplexity> {
    const { blocks } = this.#checkpoint.model;
    if (this.#nextBlock !== blocks) throw new Error(`${this.#nextBlock} of ${blocks} blocks are done`);
    const losses = await tokenLosses(this.#checkpoint, this.#hidden, this.#windows, {
      signal: this.#options.signal,
      sizes: this.#positions.sizes,
      onPart: (part) => this.#report(blocks + part, 'head'),
    });
    return perplexityOfLosses(losses, this.#contextLength);
  }

  dispose(): void {
    this.#hidden.dispose();
    this.#positions.dispose();
  }

  /** The head counts as one block more. */
  #report(blocksDone: number, detail: string): void {
    const tokens = this.#windows.length * this.#contextLength;
    this.#options.onProgress?.({
      phase: this.#options.phase ?? 'Evaluating perplexity',
      done: Math.round(blocksDone * tokens),
      total: (this.#checkpoint.model.blocks + 1) * tokens,
      unit: 'tokens',
      detail,
    });
  }
}

export interface EvaluatePerplexity extends EvaluationOptions {
  readonly checkpoint: Checkpoint;
  /** Token ids; the whole text as one stream, cut into windows of one length. */
  readonly windows: readonly Int32Array[];
  /** Quantized matrices to use in place of the checkpoint's. */
  readonly replace?: ReplaceMatrix;
}

/**
 * Perplexity by the GPTQ protocol: of each window the mean negative log-likelihood of its tokens but the first, the mean
 * of that over the windows, exponentiated. Each block's weights are read once, for all windows. Needs a started backend.
 * Throws as PerplexityEvaluation does.
 */
export async function evaluatePerplexity(options: EvaluatePerplexity): Promise<Perplexity> {
  return await tensorErrors(() => evaluateBlocks(options));
}

async function evaluateBlocks(options: EvaluatePerplexity): Promise<Perplexity> {
  const { checkpoint, windows, replace, memory = new HostMemory() } = options;
  memory.tellOfSpill(evaluationBytes(checkpoint.model, tokensOf(windows)), options.onNote);
  const evaluation = await PerplexityEvaluation.start(checkpoint, windows, { ...options, memory });
  try {
    for (let block = 0; block < checkpoint.model.blocks; block++) {
      const weights = await BlockWeights.load(checkpoint, block, replace);
      try {
        await evaluation.advance(weights);
      } finally {
        weights.dispose();
      }
    }
    return await evaluation.score();
  } finally {
    evaluation.dispose();
  }
}
