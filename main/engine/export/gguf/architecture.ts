/** What llama.cpp computes under each of its architectures, and which one a model is exported as. */
import { ClaqError } from '../../../../shared/errors.ts';
import type { Family, ModelDescription } from '../../../../shared/model.ts';

export type Architecture = 'llama' | 'qwen2' | 'qwen3';

const OF_FAMILY: Readonly<Record<Family, Architecture>> = {
  llama: 'llama',
  mistral: 'llama',
  qwen2: 'qwen2',
  qwen3: 'qwen3',
};

/**
 * The architecture's name, which is also the prefix of its metadata.
 * @throws ClaqError model/unsupported where llama.cpp would refuse the model's tensors, or compute something else from them
 */
export function architectureOf(model: ModelDescription): Architecture {
  const architecture = OF_FAMILY[model.family];
  const foreign = architecture === 'llama' ? undefined : foreignOption(model, architecture);
  if (foreign === undefined) return architecture;
  throw new ClaqError('model/unsupported', 'llama.cpp cannot compute this model', {
    where: `architecture ${architecture}`,
    expected: foreign.expected,
    found: foreign.found,
    remedy: 'export the dense model',
  });
}

/** An option of transformers that llama.cpp has under `llama` alone, or not at all. */
function foreignOption(
  model: ModelDescription,
  architecture: 'qwen2' | 'qwen3',
): { readonly expected: string; readonly found: string } | undefined {
  if (model.oBias || (model.qkvBias && architecture === 'qwen3'))
    return { expected: 'no attention_bias', found: 'attention_bias' };
  if (model.ropeScaling.type === 'llama3')
    return { expected: 'no rotary scaling, or a linear one', found: 'the rotary scaling of Llama 3' };
  if (model.slidingWindow !== undefined)
    return {
      expected: 'attention to all earlier tokens',
      found: `a sliding window of ${model.slidingWindow}`,
    };
  return undefined;
}
