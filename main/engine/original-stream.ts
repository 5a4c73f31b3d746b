/** The original model's activations on their way beside the quantized model's, where corrections are made from the difference. */
import type { ModelDescription } from '../../shared/model.ts';
import { type GroupStage, groupStages } from './calibration-pass.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import {
  type CorrectionStrengths,
  type Drift,
  DriftSums,
  type ModelTokens,
  isCorrected,
} from './claq/drift.ts';
import { type BatchSizes, type TokenRange, tokenRanges } from './transformer/batch-sizes.ts';
import { BlockWeights } from './transformer/block-weights.ts';
import { embedSegments } from './transformer/embedding.ts';
import type { HiddenStates } from './transformer/hidden-states.ts';
import type { HostMemory } from './transformer/host-memory.ts';
import type { Positions } from './transformer/positions.ts';
import { forEachSegment } from './transformer/segment-loop.ts';

export interface OriginalStreamOptions {
  readonly checkpoint: Checkpoint;
  readonly segments: readonly Int32Array[];
  readonly memory: HostMemory;
  readonly positions: Positions;
  readonly strengths: CorrectionStrengths;
  readonly signal: AbortSignal | undefined;
}

/** One group of the quantized model, its inputs and the residual stream that it may write to. */
interface QuantizedPlace {
  readonly block: number;
  readonly stage: GroupStage;
  readonly hidden: HiddenStates;
  /** Of the block; those of the group are the original ones yet. */
  readonly weights: BlockWeights;
}

/** Goes through the model group by group, ahead of what is quantized. */
export class OriginalStream {
  readonly #options: OriginalStreamOptions;
  readonly #hidden: HiddenStates;
  #stages: Generator<GroupStage, void, void> | undefined;
  #stage: GroupStage | undefined;

  private constructor(options: OriginalStreamOptions, hidden: HiddenStates) {
    this.#options = options;
    this.#hidden = hidden;
  }

  static async start(options: OriginalStreamOptions): Promise<OriginalStream> {
    return new OriginalStream(
      options,
      await embedSegments(options.checkpoint, options.segments, options.memory),
    );
  }

  /** @param weights of the block, each group's as they were until it has been advanced through */
  beginBlock(weights: BlockWeights): void {
    this.endBlock();
    this.#stages = groupStages(this.#model, this.#options.positions, this.#hidden, weights);
  }

  /** Stops before the block's next group; false where there is none. */
  nextGroup(): boolean {
    const next = this.#stages?.next();
    this.#stage = next === undefined || next.done === true ? undefined : next.value;
    return this.#stage !== undefined;
  }

  /**
   * How far the quantized model has drifted where a group begins; undefined where nothing is made of it. The caller's.
   * Throws ClaqError run/cancelled, engine/out-of-memory.
   * @param onSegment hears of every segment, measured or not
   */
  async measureDrift(
    { block, stage, hidden, weights }: QuantizedPlace,
    onSegment: (segment: number) => void,
  ): Promise<Drift | undefined> {
    const { strengths, signal } = this.#options;
    const original = this.#groupStage();
    const [kind] = stage.group;
    const writesToStream = kind === 'o' || kind === 'down';
    // What the first matrices get is the embedding, in both models.
    const isBeginning = block === 0 && kind === 'q';
    if (isBeginning || !isCorrected(strengths, writesToStream)) {
      for (let segment = 0; segment < hidden.segments; segment++) onSegment(segment);
      return undefined;
    }
    const sums = new DriftSums(strengths, writesToStream ? weights.linear(kind).weight : undefined);
    const tokensOf =
      (segment: number, from: GroupStage, stream: HiddenStates) =>
      (rows: TokenRange): ModelTokens => ({
        input: () => from.input(segment, rows),
        stream: () => stream.upload(segment, rows),
      });
    const add = (segment: number): void => {
      sums.addSegment(
        tokenRanges(hidden.length(segment), this.#sizes.tokens),
        tokensOf(segment, original, this.#hidden),
        tokensOf(segment, stage, hidden),
      );
      onSegment(segment);
    };
    try {
      await forEachSegment(hidden.segments, signal, add, this.#sizes);
      return sums.take(2 / hidden.segments);
    } finally {
      sums.dispose();
    }
  }

  /** All segments through the group, whose weights are the original ones yet. */
  async advance(onSegment?: (segment: number) => void): Promise<void> {
    const stage = this.#groupStage();
    const step = (segment: number): void => {
      stage.advance(segment);
      onSegment?.(segment);
    };
    await forEachSegment(this.#hidden.segments, this.#options.signal, step, this.#sizes);
  }

  /** All segments through a whole block that has been quantized by an earlier run. */
  async passBlock(block: number): Promise<void> {
    const weights = await BlockWeights.load(this.#options.checkpoint, block);
    try {
      this.beginBlock(weights);
      while (this.nextGroup()) await this.advance();
    } finally {
      this.endBlock();
      weights.dispose();
    }
  }

  /** Gives back what is kept between a block's groups. */
  endBlock(): void {
    this.#stages?.return();
    this.#stages = undefined;
    this.#stage = undefined;
  }

  dispose(): void {
    this.endBlock();
    this.#hidden.dispose();
  }

  get #model(): ModelDescription {
    return this.#options.checkpoint.model;
  }

  get #sizes(): BatchSizes {
    return this.#options.positions.sizes;
  }

  #groupStage(): GroupStage {
    if (this.#stage === undefined) throw new Error('the original model is not before a group');
    return this.#stage;
  }
}
