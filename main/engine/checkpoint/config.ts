/**
 * config.json of a Hugging Face folder -> ModelDescription. Defaults are those of transformers' configuration classes; an option
 * that would change the computation and is not supported is refused by its name.
 */
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import { FAMILIES } from '../../../shared/model.ts';
import type { Family, ModelDescription } from '../../../shared/model.ts';
import { optionText, refuseForeignOptions, unsupportedOption } from './config-options.ts';
import { ropeKeys, ropeOf } from './config-rope.ts';
import { refuseLfsPointer } from './safetensors-file.ts';

/** Limits far beyond any model in use (given behind each), so that a broken number cannot ask for absurd memory. */
const MAX_HIDDEN = 2 ** 17; // 16384
const MAX_FFN = 2 ** 20; // 53248
const MAX_BLOCKS = 1024; // 126
const MAX_HEADS = 2048; // 128
const MAX_HEAD_DIM = 1024; // 256
const MAX_VOCABULARY = 2 ** 22; // 262144
const MAX_CONTEXT = 2 ** 28; // 10 million
const MAX_EPSILON = 0.1; // 1e-5

const upTo = (max: number): z.ZodNumber => z.number().int().positive().max(max);

const configSchema = z.looseObject({
  model_type: z.string(),
  architectures: z.array(z.string()).nullish(),
  hidden_size: upTo(MAX_HIDDEN),
  intermediate_size: upTo(MAX_FFN),
  num_hidden_layers: upTo(MAX_BLOCKS),
  num_attention_heads: upTo(MAX_HEADS),
  num_key_value_heads: upTo(MAX_HEADS).nullish(),
  head_dim: upTo(MAX_HEAD_DIM).nullish(),
  vocab_size: upTo(MAX_VOCABULARY),
  max_position_embeddings: upTo(MAX_CONTEXT).nullish(),
  rms_norm_eps: z.number().nonnegative().max(MAX_EPSILON).nullish(),
  hidden_act: z.string().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  qkv_bias: z.boolean().nullish(),
  sliding_window: z.number().int().positive().max(Number.MAX_SAFE_INTEGER).nullish(),
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.number().int().nonnegative().nullish(),
  layer_types: z.array(z.string()).nullish(),
  ...ropeKeys,
});
type Config = z.infer<typeof configSchema>;

/** What a family's configuration and model classes in transformers fix or leave open. */
interface FamilyRules {
  /** Heads of keys and values where the key is missing (null always means: as many as heads). */
  readonly kvHeads: number | 'heads';
  readonly headDim: number | 'hidden / heads';
  readonly contextLength: number;
  /** Biases of the attention's projections: of q, k and v always, of all four by attention_bias, or none. */
  readonly attentionBias: 'qkv' | 'by option' | 'none';
  readonly mlpBias: 'by option' | 'none';
  readonly qkNorm: boolean;
  /** Sliding window: never, wherever sliding_window is set (default given), or in the layers that the options name. */
  readonly window:
    { readonly when: 'never' | 'by layer' } | { readonly when: 'set'; readonly missing: number };
}

const RULES: Readonly<Record<Family, FamilyRules>> = {
  llama: {
    kvHeads: 'heads',
    headDim: 'hidden / heads',
    contextLength: 2048,
    attentionBias: 'by option',
    mlpBias: 'by option',
    qkNorm: false,
    window: { when: 'never' },
  },
  mistral: {
    kvHeads: 8,
    headDim: 'hidden / heads',
    contextLength: 131_072,
    attentionBias: 'none',
    mlpBias: 'none',
    qkNorm: false,
    window: { when: 'set', missing: 4096 },
  },
  qwen2: {
    kvHeads: 32,
    headDim: 'hidden / heads',
    contextLength: 32_768,
    attentionBias: 'qkv',
    mlpBias: 'none',
    qkNorm: false,
    window: { when: 'by layer' },
  },
  qwen3: {
    kvHeads: 32,
    headDim: 128,
    contextLength: 32_768,
    attentionBias: 'by option',
    mlpBias: 'none',
    qkNorm: true,
    window: { when: 'by layer' },
  },
};

/** First layer with a sliding window in Qwen2 and Qwen3, and the window itself, where the keys are missing. */
const DEFAULT_MAX_WINDOW_LAYERS = 28;
const DEFAULT_QWEN_WINDOW = 4096;

const DEFAULT_EPSILON = 1e-6;

/**
 * Parses the text of config.json.
 * @param file how errors name the file
 * @throws ClaqError model/config-invalid where it is not a valid config, model/unsupported where it describes a model that is
 * not computed here.
 */
export function parseConfig(text: string, file: string): ModelDescription {
  const config = parseObject(text, file);
  const family = familyOf(config, file);
  refuseForeignOptions(config, file);
  const parsed = configSchema.safeParse(config);
  if (!parsed.success) {
    throw invalid(file, { expected: z.prettifyError(parsed.error), found: foundText(config, parsed.error) });
  }
  return describe(family, parsed.data, file);
}

function describe(family: Family, config: Config, file: string): ModelDescription {
  const rules = RULES[family];
  const activation = config.hidden_act ?? 'silu';
  if (activation !== 'silu') throw unsupportedOption(file, 'hidden_act', activation, 'silu');
  const rope = ropeOf(config, file);
  const { hidden_size: hiddenSize, num_attention_heads: heads } = config;
  const attentionBias = booleanOption(config, 'attention_bias', rules.attentionBias === 'by option', file);
  booleanOption(config, 'qkv_bias', rules.attentionBias === 'qkv', file);
  return {
    family,
    hiddenSize,
    ffnSize: config.intermediate_size,
    blocks: config.num_hidden_layers,
    heads,
    kvHeads: kvHeadsOf(config, rules, file),
    headDim: headDimOf(config, rules, file),
    vocabSize: config.vocab_size,
    contextLength: config.max_position_embeddings ?? rules.contextLength,
    rmsNormEpsilon: config.rms_norm_eps ?? DEFAULT_EPSILON,
    ropeTheta: rope.theta,
    ropeScaling: rope.scaling,
    tiedEmbeddings: config.tie_word_embeddings ?? false,
    qkvBias: rules.attentionBias === 'qkv' || attentionBias,
    oBias: attentionBias,
    mlpBias: booleanOption(config, 'mlp_bias', rules.mlpBias === 'by option', file),
    qkNorm: rules.qkNorm,
    slidingWindow: slidingWindowOf(config, rules, file),
  };
}

function familyOf(config: Readonly<Record<string, unknown>>, file: string): Family {
  const type = config['model_type'];
  if (type === undefined) throw invalid(file, { expected: 'model_type', found: 'no such key' });
  const family = FAMILIES.find((name) => name === type);
  if (family === undefined) {
    throw new ClaqError('model/unsupported', 'The architecture of the model is not supported', {
      where: `${file}, model_type`,
      expected: FAMILIES.join(', '),
      found: optionText(type),
      remedy: 'choose a model of the families LLaMA, Yi, SmolLM2, Mistral, Qwen2 or Qwen3',
    });
  }
  const { architectures } = config;
  // LLaMAForCausalLM is how the first conversions of LLaMA-1 spelled it.
  const wanted = `${family}forcausallm`;
  if (Array.isArray(architectures) && !architectures.some((name) => String(name).toLowerCase() === wanted)) {
    throw new ClaqError(
      'model/unsupported',
      'The model is not a language model that predicts the next token',
      {
        where: `${file}, architectures`,
        expected: `${family} with the head ForCausalLM`,
        found: optionText(architectures),
      },
    );
  }
  return family;
}

/** An option that only some families compute: true is refused where it would have no effect. */
function booleanOption(
  config: Config,
  key: 'attention_bias' | 'mlp_bias' | 'qkv_bias',
  supported: boolean,
  file: string,
): boolean {
  const value = config[key] ?? false;
  if (value && !supported) {
    throw unsupportedOption(file, key, value, `no such option in ${config.model_type}`);
  }
  return value;
}

function kvHeadsOf(config: Config, rules: FamilyRules, file: string): number {
  const { num_attention_heads: heads, num_key_value_heads: given } = config;
  const missing = rules.kvHeads === 'heads' ? heads : rules.kvHeads;
  const kvHeads = given === undefined ? missing : (given ?? heads);
  if (heads % kvHeads !== 0) {
    throw invalid(file, {
      expected: `num_attention_heads to be a multiple of num_key_value_heads`,
      found: `${heads} and ${kvHeads}`,
    });
  }
  return kvHeads;
}

function headDimOf(config: Config, rules: FamilyRules, file: string): number {
  const { hidden_size: hiddenSize, num_attention_heads: heads } = config;
  const fallback =
    rules.headDim === 'hidden / heads' || config.head_dim === null ? hiddenSize / heads : rules.headDim;
  const headDim = config.head_dim ?? fallback;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    throw invalid(file, {
      expected: 'an even head_dim, or a hidden_size that is an even multiple of num_attention_heads',
      found: `${headDim}`,
    });
  }
  return headDim;
}

/** One window for all layers, or none. Windows in some layers only are refused. */
function slidingWindowOf(config: Config, rules: FamilyRules, file: string): number | undefined {
  const { sliding_window: window } = config;
  const types = config.layer_types ?? undefined;
  switch (rules.window.when) {
    case 'never':
      if (types?.some((type) => type !== 'full_attention') === true) {
        throw unsupportedOption(file, 'layer_types', types, 'full_attention in all layers');
      }
      if (window !== undefined && window !== null) {
        throw unsupportedOption(file, 'sliding_window', window, `no such option in ${config.model_type}`);
      }
      return undefined;
    case 'set': {
      const inForce = window === undefined ? rules.window.missing : (window ?? undefined);
      const type = inForce === undefined ? 'full_attention' : 'sliding_attention';
      if (types?.some((other) => other !== type) === true) {
        throw unsupportedOption(file, 'layer_types', types, `${type} in all layers`);
      }
      return inForce;
    }
    case 'by layer':
      return windowByLayer(config, file);
  }
}

/** Qwen2 and Qwen3: `use_sliding_window`, then either `layer_types` or the layers from `max_window_layers` on. */
function windowByLayer(config: Config, file: string): number | undefined {
  const { num_hidden_layers: layers, sliding_window: window = DEFAULT_QWEN_WINDOW } = config;
  const inForce = config.use_sliding_window === true ? (window ?? undefined) : undefined;
  const types = config.layer_types ?? undefined;
  if (types !== undefined && types.length !== layers) {
    throw invalid(file, { expected: `layer_types for ${layers} layers`, found: `${types.length} of them` });
  }
  const firstWithWindow = config.max_window_layers ?? DEFAULT_MAX_WINDOW_LAYERS;
  const perLayer =
    types ??
    Array.from({ length: layers }, (_, layer) =>
      inForce !== undefined && layer >= firstWithWindow ? 'sliding_attention' : 'full_attention',
    );
  if (perLayer.every((type) => type === 'full_attention')) return undefined;
  if (perLayer.every((type) => type === 'sliding_attention') && inForce !== undefined) return inForce;
  const [key, value] = types === undefined ? ['max_window_layers', firstWithWindow] : ['layer_types', types];
  throw unsupportedOption(
    file,
    key,
    value,
    'full attention in all layers, or one sliding window in all layers',
  );
}

function parseObject(text: string, file: string): Record<string, unknown> {
  refuseLfsPointer(text, file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(file, { expected: 'JSON', found: cause instanceof Error ? cause.message : String(cause) });
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  if (!parsed.success) throw invalid(file, { expected: 'a JSON object', found: optionText(value) });
  return parsed.data;
}

/** The values that the parser objects to, by key. */
function foundText(config: Readonly<Record<string, unknown>>, error: z.ZodError): string {
  const keys = new Set(error.issues.map((issue) => String(issue.path[0])));
  return [...keys].map((key) => `${key}: ${optionText(config[key])}`).join(', ');
}

function invalid(file: string, details: { expected: string; found: string }): ClaqError {
  return new ClaqError('model/config-invalid', 'config.json is not valid', {
    where: file,
    remedy: 'download the file again or correct it by the model card',
    ...details,
  });
}
