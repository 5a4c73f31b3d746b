/** How much a model's loss feels errors in the outputs of its linear layers. */
import { z } from 'zod';
import { forwardPrecisionSchema } from './engine.ts';
import { MATRIX_KINDS } from './model.ts';

/** Of squares of dL/dy: L the text's loss in nats, summed over its tokens, y the output of the layer whose matrix it is. */
export const matrixSensitivitySchema = z.strictObject({
  block: z.int().min(0),
  kind: z.enum(MATRIX_KINDS),
  /** Mean over the outputs and the tokens: what CLAQ+ weighs the matrix's errors with. */
  mean: z.number().min(0),
  /** Median over the tokens of their means over the outputs, which a few tokens with enormous gradients do not move. */
  median: z.number().min(0),
});
export type MatrixSensitivity = z.infer<typeof matrixSensitivitySchema>;

/** All matrices of a model, with what they were measured on, and by. */
export const modelSensitivitySchema = z.strictObject({
  /** Block by block, in a block in the order of MATRIX_KINDS. */
  matrices: z.array(matrixSensitivitySchema),
  /** Tokens that the figures are over: all but the last of each segment. */
  tokens: z.int().min(1),
  segments: z.int().min(1),
  segmentLength: z.int().min(2),
  text: z.string(),
  textSha256: z.string(),
  engine: z.string(),
  forwardPrecision: forwardPrecisionSchema,
});
export type ModelSensitivity = z.infer<typeof modelSensitivitySchema>;
