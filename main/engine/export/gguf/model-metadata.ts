import type { ModelDescription } from '../../../../shared/model.ts';
import { architectureOf } from './architecture.ts';
import type { GgufTensorType, GgufValue } from './header.ts';

/** llama.cpp's numbers for what most of a file's weights are (enum llama_ftype). */
const FILE_TYPES: Readonly<Record<GgufTensorType, number>> = { F32: 0, F16: 1, Q8_0: 7 };

/** Version of the blocks of Q8_0 (GGML_QNT_VERSION). */
const QUANTIZATION_VERSION = 2;

/** What the file says of the model, its tokenizer aside. Throws ClaqError model/unsupported. */
export function modelMetadata(
  model: ModelDescription,
  type: GgufTensorType,
  name: string,
): [string, GgufValue][] {
  const architecture = architectureOf(model);
  const key = (rest: string): string => `${architecture}.${rest}`;
  const count = (rest: string, value: number): [string, GgufValue] => [key(rest), { type: 'u32', value }];
  const float = (rest: string, value: number): [string, GgufValue] => [key(rest), { type: 'f32', value }];
  const text = (whole: string, value: string): [string, GgufValue] => [whole, { type: 'string', value }];
  return [
    text('general.architecture', architecture),
    text('general.type', 'model'),
    text('general.name', name),
    ['general.file_type', { type: 'u32', value: FILE_TYPES[type] }],
    ['general.quantization_version', { type: 'u32', value: QUANTIZATION_VERSION }],
    count('vocab_size', model.vocabSize),
    count('context_length', model.contextLength),
    count('embedding_length', model.hiddenSize),
    count('block_count', model.blocks),
    count('feed_forward_length', model.ffnSize),
    count('attention.head_count', model.heads),
    count('attention.head_count_kv', model.kvHeads),
    count('attention.key_length', model.headDim),
    count('attention.value_length', model.headDim),
    float('attention.layer_norm_rms_epsilon', model.rmsNormEpsilon),
    ...(model.slidingWindow === undefined ? [] : [count('attention.sliding_window', model.slidingWindow)]),
    count('rope.dimension_count', model.headDim),
    float('rope.freq_base', model.ropeTheta),
    ...(model.ropeScaling.type === 'linear'
      ? [text(key('rope.scaling.type'), 'linear'), float('rope.scaling.factor', model.ropeScaling.factor)]
      : []),
  ];
}
