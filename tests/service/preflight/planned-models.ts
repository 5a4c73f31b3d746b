/** Models without weights: what a preflight needs of them. */
import type { ExtraTensor, TensorDtype, TensorEntry } from '../../../main/engine/checkpoint/checkpoint.ts';
import { requiredTensors } from '../../../main/engine/checkpoint/required-tensors.ts';
import type { PlannedModel } from '../../../main/service/preflight/preflight-run.ts';
import type { ModelDescription } from '../../../shared/model.ts';

/** resources/demo-model/model: 2,359,296 weights in its matrices. */
export const DEMO_DESCRIPTION: ModelDescription = {
  family: 'llama',
  hiddenSize: 192,
  ffnSize: 512,
  blocks: 6,
  heads: 3,
  kvHeads: 1,
  headDim: 64,
  vocabSize: 4096,
  contextLength: 512,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: { type: 'none' },
  tiedEmbeddings: true,
  qkvBias: false,
  oBias: false,
  mlpBias: false,
  qkNorm: false,
  slidingWindow: undefined,
};

/** 6,476,005,376 weights in its matrices. */
export const LLAMA_7B: ModelDescription = {
  ...DEMO_DESCRIPTION,
  hiddenSize: 4096,
  ffnSize: 11_008,
  blocks: 32,
  heads: 32,
  kvHeads: 32,
  headDim: 128,
  vocabSize: 32_000,
  contextLength: 2048,
  tiedEmbeddings: false,
};

/** All its tensors in one dtype. */
export function plannedModel(model: ModelDescription, dtype: TensorDtype = 'F16'): PlannedModel {
  const entries = [...requiredTensors(model)].map(([name, shape]): [string, TensorEntry] => [
    name,
    { name, shape, dtype, file: 'model.safetensors' },
  ]);
  return { model, tensors: new Map(entries), extras: new Map<string, ExtraTensor>() };
}
