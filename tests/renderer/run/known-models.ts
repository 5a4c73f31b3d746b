import type { ModelDescription } from '../../../shared/model.ts';

/** SmolLM2-135M, as its config.json says. */
export const SMOLLM2: ModelDescription = {
  family: 'llama',
  hiddenSize: 576,
  ffnSize: 1536,
  blocks: 30,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  vocabSize: 49152,
  contextLength: 8192,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 100000,
  ropeScaling: { type: 'none' },
  tiedEmbeddings: true,
  qkvBias: false,
  oBias: false,
  mlpBias: false,
  qkNorm: false,
  slidingWindow: undefined,
};

/** LLaMA-7B, as its config.json says. */
export const LLAMA_7B: ModelDescription = {
  ...SMOLLM2,
  hiddenSize: 4096,
  ffnSize: 11008,
  blocks: 32,
  heads: 32,
  kvHeads: 32,
  headDim: 128,
  vocabSize: 32000,
  contextLength: 2048,
  tiedEmbeddings: false,
};
