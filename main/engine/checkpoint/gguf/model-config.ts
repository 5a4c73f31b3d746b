/** config.json of the model that a GGUF file's metadata describes, as transformers would have written it. */
import { unsupportedGguf, malformedGguf } from './gguf-errors.ts';
import type { GgufTensor } from './gguf-header.ts';
import type { GgufMetadata } from './gguf-metadata.ts';
import { recoverLlama3Rope } from './llama3-rope.ts';
import { GGUF_EMBEDDING, GGUF_HEAD, ROPE_DIVISORS } from './tensor-names.ts';

/** Architectures of llama.cpp that are read. LLaMA, Yi, Mistral and SmolLM2 are all `llama` there. */
export const ARCHITECTURES = ['llama', 'qwen2', 'qwen3'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

type ModelType = Architecture | 'mistral';

const CLASSES: Readonly<Record<ModelType, string>> = {
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
};

/** Options that change the computation, with the value that leaves it as it is. */
const FOREIGN_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['expert_count', 0],
  ['logit_scale', 1],
  ['embedding_scale', 1],
  ['residual_scale', 1],
  ['attention.clamp_kqv', 0],
  ['attention.max_alibi_bias', 0],
  ['attn_logit_softcapping', 0],
  ['final_logit_softcapping', 0],
]);
const FOREIGN_KEYS = [
  'attention.scale',
  'attention.q_lora_rank',
  'attention.kv_lora_rank',
  'rope.dimension_sections',
];

export interface ConfigSource {
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Of `rope_freqs.weight`. */
  readonly ropeFactors: Float32Array | undefined;
}

/**
 * The architecture that the file names.
 * @throws ClaqError model/unsupported for any other than `ARCHITECTURES`
 */
export function architectureOf(metadata: GgufMetadata): Architecture {
  const name = metadata.text('general.architecture');
  const known = ARCHITECTURES.find((architecture) => architecture === name);
  if (known !== undefined) return known;
  throw unsupportedGguf(
    `${metadata.file}, general.architecture`,
    'The architecture of the model is not supported',
    {
      expected: ARCHITECTURES.join(', '),
      found: name ?? 'no such key',
    },
  );
}

/**
 * The text of config.json.
 * @throws ClaqError model/unsupported for what is not computed here, weights/malformed where metadata are missing or contradict
 * the tensors.
 */
export function configText(source: ConfigSource): string {
  const { metadata, tensors } = source;
  const architecture = architectureOf(metadata);
  refuseForeign(metadata, architecture);
  const key = (name: string): string => `${architecture}.${name}`;
  const needed = (name: string): number => metadata.countOfAll(key(name)) ?? missing(metadata, key(name));
  const hiddenSize = needed('embedding_length');
  const heads = needed('attention.head_count');
  const headDim = headDimOf(metadata, architecture, hiddenSize / heads);
  const theta = metadata.float(key('rope.freq_base'));
  const window = windowOf(metadata, architecture);
  const type: ModelType = architecture === 'llama' && window !== undefined ? 'mistral' : architecture;
  const has = (name: string): boolean => tensors.has(name);
  const config = {
    architectures: [CLASSES[type]],
    ...(type === 'llama' && { attention_bias: has('blk.0.attn_q.bias') }),
    bos_token_id: metadata.count('tokenizer.ggml.bos_token_id'),
    eos_token_id: metadata.count('tokenizer.ggml.eos_token_id'),
    head_dim: headDim,
    hidden_act: 'silu',
    hidden_size: hiddenSize,
    intermediate_size: needed('feed_forward_length'),
    max_position_embeddings: needed('context_length'),
    ...(type === 'llama' && { mlp_bias: has('blk.0.ffn_gate.bias') }),
    model_type: type,
    num_attention_heads: heads,
    num_hidden_layers: needed('block_count'),
    num_key_value_heads: metadata.countOfAll(key('attention.head_count_kv')) ?? heads,
    rms_norm_eps: spelledAsFloat(
      metadata.float(key('attention.layer_norm_rms_epsilon')) ??
        missing(metadata, key('attention.layer_norm_rms_epsilon')),
    ),
    rope_scaling: ropeScaling(source, architecture, { theta: theta ?? DEFAULT_THETA, headDim }),
    rope_theta: spelledAsFloat(theta ?? DEFAULT_THETA),
    ...(type === 'mistral' && { sliding_window: window }),
    tie_word_embeddings: !has(GGUF_HEAD),
    ...(architecture !== 'llama' && { use_sliding_window: false }),
    vocab_size: tensors.get(GGUF_EMBEDDING)?.shape[0] ?? missingTensor(metadata, GGUF_EMBEDDING),
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** llama.cpp's base where the file gives none. */
const DEFAULT_THETA = 10_000;

/** 10000 as 10000.0: Python reads the one as an integer, which transformers does not take for a float. */
function spelledAsFloat(value: number): unknown {
  const text = String(value);
  return /^-?\d+$/.test(text) ? JSON.rawJSON(`${text}.0`) : value;
}

function refuseForeign(metadata: GgufMetadata, architecture: Architecture): void {
  const refuse = (key: string, expected: string, found: string): never => {
    throw unsupportedGguf(`${metadata.file}, ${key}`, `The model's option ${key} is not supported`, {
      expected,
      found,
    });
  };
  for (const [name, neutral] of FOREIGN_NUMBERS) {
    const key = `${architecture}.${name}`;
    const value = metadata.float(key) ?? neutral;
    if (value !== neutral) refuse(key, `${neutral}, or no such key`, `${value}`);
  }
  for (const name of FOREIGN_KEYS) {
    const key = `${architecture}.${name}`;
    if (metadata.has(key)) refuse(key, 'no such key', 'a value');
  }
  const causal = `${architecture}.attention.causal`;
  if (metadata.flag(causal) === false) refuse(causal, 'true, or no such key', 'false');
}

/** All of a head must be rotated, and values must be as wide as keys. */
function headDimOf(metadata: GgufMetadata, architecture: Architecture, fallback: number): number {
  const key = `${architecture}.attention.key_length`;
  const headDim = metadata.count(key) ?? fallback;
  for (const other of [`${architecture}.attention.value_length`, `${architecture}.rope.dimension_count`]) {
    const value = metadata.count(other) ?? headDim;
    if (value === headDim) continue;
    throw unsupportedGguf(`${metadata.file}, ${other}`, `The model's option ${other} is not supported`, {
      expected: `${headDim}, the values of a head's keys`,
      found: `${value}`,
    });
  }
  return headDim;
}

/** Only Mistral's window is computed, the same in all layers. Qwen's configs name one that is not in use. */
function windowOf(metadata: GgufMetadata, architecture: Architecture): number | undefined {
  const window = metadata.countOfAll(`${architecture}.attention.sliding_window`);
  return architecture === 'llama' && window !== 0 ? window : undefined;
}

function ropeScaling(
  { metadata, ropeFactors }: ConfigSource,
  architecture: Architecture,
  { theta, headDim }: { readonly theta: number; readonly headDim: number },
): object | null {
  const key = (name: string): string => `${architecture}.rope.${name}`;
  const type = metadata.text(key('scaling.type')) ?? 'none';
  const oldFactor = metadata.float(key('scale_linear'));
  const factor = metadata.float(key('scaling.factor')) ?? oldFactor;
  const named = metadata.has(key('scaling.type')) ? type : oldFactor === undefined ? 'none' : 'linear';
  if (named !== 'none' && named !== 'linear') {
    throw unsupportedGguf(
      `${metadata.file}, ${key('scaling.type')}`,
      "The model's rotary scaling is not supported",
      {
        expected: 'none, linear, or the one of Llama 3',
        found: named,
      },
    );
  }
  const linear = named === 'linear' && factor !== undefined && factor !== 1 ? factor : undefined;
  if (ropeFactors === undefined || ropeFactors.every((divisor) => divisor === 1)) {
    return linear === undefined ? null : { factor: spelledAsFloat(linear), rope_type: 'linear' };
  }
  const rope =
    linear === undefined && ropeFactors.length === headDim / 2
      ? recoverLlama3Rope(ropeFactors, theta)
      : undefined;
  if (rope === undefined) {
    throw unsupportedGguf(
      `${metadata.file}, tensor ${ROPE_DIVISORS}`,
      "The model's rotary scaling is not supported",
      {
        expected: `${headDim / 2} divisors of the frequencies as Llama 3's scaling makes them`,
        found: linear === undefined ? 'divisors of another kind' : 'divisors beside a linear scaling',
      },
    );
  }
  return {
    factor: spelledAsFloat(rope.factor),
    high_freq_factor: spelledAsFloat(rope.highFreqFactor),
    low_freq_factor: spelledAsFloat(rope.lowFreqFactor),
    original_max_position_embeddings: rope.originalContextLength,
    rope_type: 'llama3',
  };
}

function missing(metadata: GgufMetadata, key: string): never {
  throw malformedGguf(metadata.file, `The GGUF file does not say ${key}`, {
    expected: key,
    found: 'no such key',
  });
}

function missingTensor(metadata: GgufMetadata, name: string): never {
  throw malformedGguf(metadata.file, `The GGUF file lacks the tensor ${name}`, {
    expected: name,
    found: 'no such tensor',
  });
}
