/** How much a model's loss feels errors in the outputs of its linear layers, by gradients, block by block. */
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { ModelDescription } from '../../../shared/model.ts';
import type { OnProgress } from '../../../shared/progress.ts';
import { tokensOf } from '../activation-bytes.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { tensorErrors } from '../tensors/tensor-errors.ts';
import { BatchSizes, shrinkNote } from '../transformer/batch-sizes.ts';
import { forwardBlock } from '../transformer/block.ts';
import { BlockWeights } from '../transformer/block-weights.ts';
import { embedSegments } from '../transformer/embedding.ts';
import { HiddenStates } from '../transformer/hidden-states.ts';
import { HostMemory } from '../transformer/host-memory.ts';
import { Positions } from '../transformer/positions.ts';
import { forEachSegment } from '../transformer/segment-loop.ts';
import { blockGradient } from './block-gradient.ts';
import { headGradient } from './head-gradient.ts';
import { type MatrixSensitivity, OutputSquares } from './output-squares.ts';

export interface MeasureSensitivity {
  readonly checkpoint: Checkpoint;
  /** Token ids; segments of one token have no loss and are left out. */
  readonly segments: readonly Int32Array[];
  /** Host memory for the residual streams, and the folder for what does not fit. */
  readonly memory?: HostMemory | undefined;
  /** Of the work on a segment; by default all of it, and smaller where the backend's memory runs out. */
  readonly sizes?: BatchSizes | undefined;
  readonly signal?: AbortSignal | undefined;
  /** After each segment of each block, forward and back, and of each chunk of the head. */
  readonly onProgress?: OnProgress | undefined;
  /** What is worth a line for people: memory that is short. */
  readonly onNote?: ((line: string) => void) | undefined;
}

export interface Sensitivity {
  /** That the means and medians are over: all but the last of each segment, which no loss depends on. */
  readonly tokens: number;
  /** Of all blocks in order, each in the order of MATRIX_KINDS. */
  readonly matrices: readonly MatrixSensitivity[];
}

/** The streams of all segments held at once beside those before the blocks: behind the last, and two by the head's gradient. */
const FURTHER_STREAMS = 3;

/** A block's gradient takes about twice its forward pass, which it does again. */
const GRADIENT_STEPS = 2;

/**
 * Squared gradients at the outputs y = W x + b of all linear layers of the original model, for the loss L that is the sum over
 * the tokens of the negative log-likelihood of the next token. By second order, a small error e of a layer's output raises
 * the expected loss by about mean((dL/dy . e)^2) / 2, the empirical Fisher information in place of the Hessian (LeCun, Denker
 * and Solla, Optimal Brain Damage, 1989; Hassibi and Stork, 1993).
 *
 * The forward pass keeps the residual stream before each block, in host memory and on the disk; then the head and the blocks
 * from last to first pull the gradient back. One block's weights are in memory at a time. Needs a started backend. Throws
 * ClaqError text/too-little without two tokens in a row, run/cancelled, engine/kernel-failed where the loss overflows, and
 * as embedSegments does.
 */
export async function measureSensitivity(options: MeasureSensitivity): Promise<Sensitivity> {
  return await tensorErrors(() => new Measurement(options).run());
}

class Measurement {
  readonly #checkpoint: Checkpoint;
  readonly #model: ModelDescription;
  readonly #segments: readonly Int32Array[];
  readonly #memory: HostMemory;
  readonly #sizes: BatchSizes;
  readonly #positions: Positions;
  readonly #options: MeasureSensitivity;
  /** The residual streams before block 0, 1, ..., and at first that behind the last block. */
  readonly #streams: HiddenStates[] = [];

  constructor(options: MeasureSensitivity) {
    const { checkpoint, memory = new HostMemory(), onNote } = options;
    this.#options = options;
    this.#checkpoint = checkpoint;
    this.#model = checkpoint.model;
    this.#segments = options.segments.filter(({ length }) => length >= 2);
    if (this.#segments.length === 0) {
      throw new ClaqError('text/too-little', 'There is no text to measure the loss on', {
        expected: 'at least one segment of two or more tokens',
        found: `${options.segments.length} segments, none of them that long`,
      });
    }
    this.#memory = memory;
    const longest = this.#segments.reduce((most, { length }) => Math.max(most, length), 1);
    this.#sizes = options.sizes ?? new BatchSizes(longest, (sizes) => onNote?.(shrinkNote(sizes)));
    this.#positions = new Positions(checkpoint.model, this.#sizes);
  }

  async run(): Promise<Sensitivity> {
    const { signal, onNote } = this.#options;
    this.#memory.tellOfSpill(sensitivityBytes(this.#model, tokensOf(this.#segments)), onNote);
    throwIfCancelled(signal);
    try {
      this.#streams.push(await embedSegments(this.#checkpoint, this.#segments, this.#memory));
      for (let block = 0; block < this.#model.blocks; block++) await this.#forward(block);
      const gradient = this.#stream(this.#model.blocks);
      await headGradient(this.#checkpoint, gradient, this.#segments, {
        sizes: this.#sizes,
        signal,
        onPart: (part) => this.#report(this.#model.blocks + part, 'head'),
      });
      const byBlock: MatrixSensitivity[][] = [];
      for (let block = this.#model.blocks - 1; block >= 0; block--) {
        byBlock.unshift(await this.#back(block, gradient));
      }
      return { tokens: tokensOf(this.#segments) - this.#segments.length, matrices: byBlock.flat() };
    } finally {
      this.#positions.dispose();
      for (const stream of this.#streams) stream.dispose();
    }
  }

  /** All segments through a block, whose input stays. */
  async #forward(block: number): Promise<void> {
    const before = this.#stream(block);
    const behind = new HiddenStates(before.width, before.lengths, this.#memory);
    this.#streams.push(behind);
    const step = (weights: BlockWeights, segment: number): void => {
      const length = before.length(segment);
      behind.compute(segment, length, () =>
        forwardBlock(
          this.#model,
          this.#positions.of(length),
          before.upload(segment),
          weights,
          this.#sizes.tokens,
        ),
      );
      this.#report(block + (segment + 1) / before.segments, this.#name(block));
    };
    await this.#withBlock(block, step);
  }

  /** From the gradient behind a block to that before it, in its place; the stream before the block is not needed any more. */
  async #back(block: number, gradient: HiddenStates): Promise<MatrixSensitivity[]> {
    const { blocks } = this.#model;
    const before = this.#stream(block);
    const squares = new OutputSquares(this.#model, tokensOf(this.#segments) - this.#segments.length);
    let from = 0;
    const step = (weights: BlockWeights, segment: number): void => {
      const length = before.length(segment);
      // Of this segment alone until it is done: where memory runs out, it is done again.
      const own = new OutputSquares(this.#model, length);
      const at = {
        model: this.#model,
        positions: this.#positions.of(length),
        weights,
        tokens: this.#sizes.tokens,
      };
      gradient.transform(segment, (behind) =>
        blockGradient(at, before.upload(segment), behind, (...output) => own.record(...output)),
      );
      squares.append(own, length - 1, from);
      from += length - 1;
      const done = blocks - 1 - block + (segment + 1) / before.segments;
      this.#report(blocks + 1 + GRADIENT_STEPS * done, `gradients of ${this.#name(block)}`);
    };
    await this.#withBlock(block, step);
    before.dispose();
    return squares.summary(block);
  }

  async #withBlock(block: number, step: (weights: BlockWeights, segment: number) => void): Promise<void> {
    const weights = await BlockWeights.load(this.#checkpoint, block);
    try {
      const { signal } = this.#options;
      await forEachSegment(
        this.#segments.length,
        signal,
        (segment) => {
          step(weights, segment);
        },
        this.#sizes,
      );
    } finally {
      weights.dispose();
    }
  }

  #stream(at: number): HiddenStates {
    const stream = this.#streams[at];
    if (stream === undefined) throw new RangeError(`no residual stream ${at}`);
    return stream;
  }

  #name(block: number): string {
    return `block ${block + 1} of ${this.#model.blocks}`;
  }

  /** In tokens that go through a block; the head counts as one block, a block's gradient as GRADIENT_STEPS. */
  #report(done: number, detail: string): void {
    const tokens = tokensOf(this.#segments);
    this.#options.onProgress?.({
      phase: 'Measuring sensitivity',
      done: Math.round(done * tokens),
      total: ((1 + GRADIENT_STEPS) * this.#model.blocks + 1) * tokens,
      unit: 'tokens',
      detail,
    });
  }
}

/** Bytes of activations that measuring holds at its peak, in host memory and on the disk. */
export function sensitivityBytes(model: ModelDescription, tokens: number): number {
  return (model.blocks + FURTHER_STREAMS) * tokens * model.hiddenSize * Float32Array.BYTES_PER_ELEMENT;
}
