/** What the library knows: models, where they came from, and what was made of them. */
import { z } from 'zod';
import { modelDescriptionSchema } from './model.ts';
import { perplexityFigureSchema } from './run-record.ts';

export const modelIdSchema = z.int().positive().brand<'ModelId'>();
export type ModelId = z.infer<typeof modelIdSchema>;

export const modelSourceSchema = z.discriminatedUnion('kind', [
  /** A folder of the user's. */
  z.strictObject({ kind: z.literal('folder') }),
  /** The small model that comes with the program. */
  z.strictObject({ kind: z.literal('demo') }),
  /** Downloaded from a Hugging Face hub; the commit is fixed. */
  z.strictObject({ kind: z.literal('hub'), repository: z.string(), commit: z.string() }),
]);
export type ModelSource = z.infer<typeof modelSourceSchema>;

/**
 * What the weights of a model are stored as, where that is not as they were trained: what was lost then is not measured again, so a
 * perplexity says how far it is from this source, not from the original.
 */
export const quantizedSourceSchema = z.discriminatedUnion('format', [
  z.strictObject({ format: z.literal('packed') }),
  /** Types of its matrices as GGUF names them, the one with the most weights first: `Q4_K`. */
  z.strictObject({ format: z.literal('gguf'), types: z.array(z.string()).readonly() }),
]);
export type QuantizedSource = z.infer<typeof quantizedSourceSchema>;

export const modelCardSchema = z.strictObject({
  id: modelIdSchema,
  name: z.string(),
  /** Absolute path of its folder, or of its GGUF file. Weights stay where they are. */
  folder: z.string(),
  source: modelSourceSchema,
  /** ISO 8601, UTC. */
  addedAt: z.string(),
  description: modelDescriptionSchema,
  /** Values in all tensors, and weights in the matrices that are quantized. */
  parameters: z.int(),
  quantizedWeights: z.int(),
  /** Of the weights' files. */
  bytes: z.int(),
  /** Of most of the weights: `BF16`. */
  dtype: z.string(),
  /** Null where the weights are as they were trained. */
  quantized: quantizedSourceSchema.nullable(),
  /** The folder is not there now: a disk that is not mounted, perhaps. */
  missing: z.boolean(),
  /** Runs that came to an end, and those that wait, run, or can be gone on with. */
  runs: z.strictObject({ complete: z.int(), open: z.int() }),
  /** Perplexity of the model as it is, where it was measured, by a run or for its own sake; the latest. */
  baseline: perplexityFigureSchema.nullable(),
});
export type ModelCard = z.infer<typeof modelCardSchema>;
