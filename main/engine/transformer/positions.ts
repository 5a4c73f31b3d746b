import * as tf from '@tensorflow/tfjs-core';
import type { ModelDescription } from '../../../shared/model.ts';
import { AttentionPattern } from './attention.ts';
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
  readonly #model: ModelDescription;
  readonly #byLength = new Map<number, SegmentPositions>();

  constructor(model: ModelDescription) {
    this.#model = model;
  }

  of(length: number): SegmentPositions {
    const known = this.#byLength.get(length);
    if (known !== undefined) return known;
    const { cos, sin } = rotaryAngles(this.#model, length);
    const shape: [number, number] = [length, this.#model.headDim / 2];
    const made: SegmentPositions = {
      // Kept: a tf.tidy around the first use must not free what later segments need.
      cos: tf.keep(tf.tensor2d(cos, shape)),
      sin: tf.keep(tf.tensor2d(sin, shape)),
      pattern: new AttentionPattern(length, this.#model.slidingWindow),
    };
    this.#byLength.set(length, made);
    return made;
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
