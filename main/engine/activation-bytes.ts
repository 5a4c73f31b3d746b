/** What the activations of all segments and windows take, which are held in host memory or on the disk. */
import { MATRIX_GROUPS, type ModelDescription, matrixShape } from '../../shared/model.ts';

const FLOAT_BYTES = 4;

export function tokensOf(segments: readonly Int32Array[]): number {
  return segments.reduce((sum, { length }) => sum + length, 0);
}

/** Bytes of activations that a calibration holds at its peak: hidden states, and the widest inputs that are kept between stages. */
export function calibrationBytes(model: ModelDescription, tokens: number): number {
  const [, output, , down] = MATRIX_GROUPS;
  const widest = Math.max(...[output, down].map((group) => matrixShape(model, group[0]).columns));
  return tokens * (model.hiddenSize + widest) * FLOAT_BYTES;
}

/** Bytes of activations that an evaluation holds. */
export function evaluationBytes(model: ModelDescription, tokens: number): number {
  return tokens * model.hiddenSize * FLOAT_BYTES;
}
