/** The description of a decoder-only transformer: what the config says, in the words that the rest of the code uses. */
import { z } from 'zod';

/** The seven matrices of a block that are quantized, in the order of a block's computation. */
export const MATRIX_KINDS = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;
export type MatrixKind = (typeof MATRIX_KINDS)[number];

/**
 * True-sequential groups (method of GPTQ and CLAQ): matrices of a group share their inputs, and each group sees inputs
 * that the quantized groups before it produced.
 */
export const MATRIX_GROUPS = [
  ['q', 'k', 'v'],
  ['o'],
  ['gate', 'up'],
  ['down'],
] as const satisfies readonly (readonly MatrixKind[])[];
export type MatrixGroup = (typeof MATRIX_GROUPS)[number];

export const FAMILIES = ['llama', 'mistral', 'qwen2', 'qwen3'] as const;
/** Yi and SmolLM2 declare themselves as llama and are computed as such. */
export type Family = (typeof FAMILIES)[number];

const ropeScalingSchema = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('none') }),
    z.strictObject({ type: z.literal('linear'), factor: z.number() }),
    z.strictObject({
      type: z.literal('llama3'),
      factor: z.number(),
      lowFreqFactor: z.number(),
      highFreqFactor: z.number(),
      originalContextLength: z.number(),
    }),
  ])
  .readonly();
export type RopeScaling = z.infer<typeof ropeScalingSchema>;

export const modelDescriptionSchema = z
  .strictObject({
    family: z.enum(FAMILIES),
    hiddenSize: z.number(),
    ffnSize: z.number(),
    blocks: z.number(),
    heads: z.number(),
    kvHeads: z.number(),
    headDim: z.number(),
    vocabSize: z.number(),
    /** Longest context the model was made for, in tokens (max_position_embeddings). */
    contextLength: z.number(),
    rmsNormEpsilon: z.number(),
    ropeTheta: z.number(),
    ropeScaling: ropeScalingSchema,
    tiedEmbeddings: z.boolean(),
    /** Biases of the attention's projections (Qwen2: q, k and v; Llama with attention_bias: all four). */
    qkvBias: z.boolean(),
    oBias: z.boolean(),
    mlpBias: z.boolean(),
    /** RMS norm over each head of q and k before the rotation (Qwen3). */
    qkNorm: z.boolean(),
    /** Attention reaches back at most this many tokens; undefined where it is unlimited (Mistral v0.1). */
    slidingWindow: z.number().optional(),
  })
  .readonly();
export type ModelDescription = z.infer<typeof modelDescriptionSchema>;

/** rows = out features, columns = in features: the Hugging Face layout. A column belongs to one input channel. */
export interface MatrixShape {
  readonly rows: number;
  readonly columns: number;
}

export function matrixShape(model: ModelDescription, kind: MatrixKind): MatrixShape {
  const { hiddenSize, ffnSize } = model;
  const attention = model.heads * model.headDim;
  const keyValue = model.kvHeads * model.headDim;
  switch (kind) {
    case 'q':
      return { rows: attention, columns: hiddenSize };
    case 'k':
    case 'v':
      return { rows: keyValue, columns: hiddenSize };
    case 'o':
      return { rows: hiddenSize, columns: attention };
    case 'gate':
    case 'up':
      return { rows: ffnSize, columns: hiddenSize };
    case 'down':
      return { rows: hiddenSize, columns: ffnSize };
  }
}

/** Of the widest matrix. */
export function mostColumns(model: ModelDescription): number {
  return Math.max(...MATRIX_KINDS.map((kind) => matrixShape(model, kind).columns));
}

/** Whether the matrix's linear layer has a bias. */
export function hasBias(model: ModelDescription, kind: MatrixKind): boolean {
  switch (kind) {
    case 'q':
    case 'k':
    case 'v':
      return model.qkvBias;
    case 'o':
      return model.oBias;
    case 'gate':
    case 'up':
    case 'down':
      return model.mlpBias;
  }
}

const MODULES: Readonly<Record<MatrixKind, string>> = {
  q: 'self_attn.q_proj',
  k: 'self_attn.k_proj',
  v: 'self_attn.v_proj',
  o: 'self_attn.o_proj',
  gate: 'mlp.gate_proj',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
};

/** `model.layers.3.self_attn.q_proj`: the module's name, which is the tensor's name without `.weight` or `.bias`. */
export function matrixName(block: number, kind: MatrixKind): string {
  return `model.layers.${block}.${MODULES[kind]}`;
}

/** Names of the block's norms and the tensors outside the blocks, as Hugging Face checkpoints have them. */
export const TENSOR_NAMES = {
  embedding: 'model.embed_tokens.weight',
  finalNorm: 'model.norm.weight',
  head: 'lm_head.weight',
  inputNorm: (block: number): string => `model.layers.${block}.input_layernorm.weight`,
  ffnNorm: (block: number): string => `model.layers.${block}.post_attention_layernorm.weight`,
  queryNorm: (block: number): string => `model.layers.${block}.self_attn.q_norm.weight`,
  keyNorm: (block: number): string => `model.layers.${block}.self_attn.k_norm.weight`,
} as const;

/** Number of weights in the quantized matrices of the whole model. */
export function quantizedWeights(model: ModelDescription): number {
  return (
    model.blocks *
    MATRIX_KINDS.reduce(
      (sum, kind) => sum + matrixShape(model, kind).rows * matrixShape(model, kind).columns,
      0,
    )
  );
}
