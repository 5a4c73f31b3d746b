import * as tf from '@tensorflow/tfjs-core';
import type { ModelDescription } from '../../../shared/model.ts';
import { AttentionPattern } from './attention.ts';
import type { BatchSizes } from './batch-sizes.ts';
import { rotaryAngles } from './rotary.ts';

/** What attention needs to know of the positions of a segment's tokens, the same in every block. */
export interface SegmentPositions {
  /** [T, headDim / 2] each. */
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
  readonly pattern: AttentionPattern;
}

/** Makes the positions of each segment length once for a model, and keeps them until it is disposed. */
export class Positions {
  /** Of the work on the segments; attention's queries among it. */
  readonly sizes: BatchSizes;
  readonly #model: ModelDescription;
  readonly #byLength = new Map<number, SegmentPositions>();

  constructor(model: ModelDescription, sizes: BatchSizes) {
    this.#model = model;
    this.sizes = sizes;
  }

  of(length: number): SegmentPositions {
    const known = this.#byLength.get(length);
    if (known !== undefined) return this.#inChunks(length, known);
    const { cos, sin } = rotaryAngles(this.#model, length);
    const shape: [number, number] = [length, this.#model.headDim / 2];
    const made: SegmentPositions = {
      // Kept: a tf.tidy around the first use must not free what later segments need.
      cos: tf.keep(tf.tensor2d(cos, shape)),
      sin: tf.keep(tf.tensor2d(sin, shape)),
      pattern: this.#pattern(length),
    };
    this.#byLength.set(length, made);
    return made;
  }

  /** With the chunks that attention is to take now. */
  #inChunks(length: number, known: SegmentPositions): SegmentPositions {
    if (known.pattern.chunk === Math.min(this.sizes.queries, length)) return known;
    known.pattern.dispose();
    const made = { ...known, pattern: this.#pattern(length) };
    this.#byLength.set(length, made);
    return made;
  }

  #pattern(length: number): AttentionPattern {
    return new AttentionPattern(length, this.#model.slidingWindow, this.sizes.queries);
  }

  dispose(): void {
    for (const { cos, sin, pattern } of this.#byLength.values()) {
      cos.dispose();
      sin.dispose();
      pattern.dispose();
    }
    this.#byLength.clear();
  }
}
