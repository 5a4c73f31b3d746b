/** Descriptions of models that tests and benches speak of, as their config.json says. */
import type { ModelDescription } from '../shared/model.ts';

/** What LLaMAs differ in most. */
export interface LlamaShape {
  readonly hiddenSize: number;
  readonly ffnSize: number;
  readonly blocks: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocabSize: number;
  readonly contextLength: number;
}

/** A LLaMA without extras, with an output head of its own. */
export function llamaOf(shape: LlamaShape): ModelDescription {
  return {
    ...shape,
    family: 'llama',
    headDim: shape.hiddenSize / shape.heads,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: { type: 'none' },
    tiedEmbeddings: false,
    qkvBias: false,
    oBias: false,
    mlpBias: false,
    qkNorm: false,
    slidingWindow: undefined,
  };
}

/** resources/demo-model/model: 2,359,296 weights in its matrices. */
export const DEMO_DESCRIPTION: ModelDescription = {
  ...llamaOf({
    hiddenSize: 192,
    ffnSize: 512,
    blocks: 6,
    heads: 3,
    kvHeads: 1,
    vocabSize: 4096,
    contextLength: 512,
  }),
  tiedEmbeddings: true,
};

/** SmolLM2-135M: 106,168,320 weights in its matrices. */
export const SMOLLM2: ModelDescription = {
  ...llamaOf({
    hiddenSize: 576,
    ffnSize: 1536,
    blocks: 30,
    heads: 9,
    kvHeads: 3,
    vocabSize: 49_152,
    contextLength: 8192,
  }),
  ropeTheta: 100_000,
  tiedEmbeddings: true,
};

/** LLaMA-7B: 6,476,005,376 weights in its matrices. */
export const LLAMA_7B: ModelDescription = {
  ...llamaOf({
    hiddenSize: 4096,
    ffnSize: 11_008,
    blocks: 32,
    heads: 32,
    kvHeads: 32,
    vocabSize: 32_000,
    contextLength: 2048,
  }),
  rmsNormEpsilon: 1e-6,
};
