import { fileURLToPath } from 'node:url';
import type { TextTokenizer } from '../../../main/engine/text/tokenizer.ts';
import { loadTokenizer } from '../../../main/engine/text/tokenizer.ts';
import type { ModelDescription } from '../../../shared/model.ts';

export const DEMO = fileURLToPath(new URL('../../../resources/demo-model', import.meta.url));

/** The demo model's description with another vocabulary size: the tokenizer looks at nothing else. */
export function modelOf(vocabSize: number): ModelDescription {
  return {
    family: 'llama',
    hiddenSize: 192,
    ffnSize: 512,
    blocks: 6,
    heads: 3,
    kvHeads: 1,
    headDim: 64,
    vocabSize,
    contextLength: 512,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 10000,
    ropeScaling: { type: 'none' },
    tiedEmbeddings: true,
    qkvBias: false,
    oBias: false,
    mlpBias: false,
    qkNorm: false,
    slidingWindow: undefined,
  };
}

export function loadDemoTokenizer(): Promise<TextTokenizer> {
  return loadTokenizer(`${DEMO}/model`, modelOf(4096));
}
