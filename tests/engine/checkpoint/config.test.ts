import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../main/engine/checkpoint/config.ts';
import { SIZES, parse, refusal } from './small-config.ts';
import { thrownBy } from './thrown.ts';

describe('families', () => {
  it('reads LLaMA-3.2-1B', () => {
    const model = parse({
      architectures: ['LlamaForCausalLM'],
      attention_bias: false,
      attention_dropout: 0,
      bos_token_id: 128000,
      eos_token_id: 128001,
      head_dim: 64,
      hidden_act: 'silu',
      hidden_size: 2048,
      initializer_range: 0.02,
      intermediate_size: 8192,
      max_position_embeddings: 131072,
      mlp_bias: false,
      model_type: 'llama',
      num_attention_heads: 32,
      num_hidden_layers: 16,
      num_key_value_heads: 8,
      pretraining_tp: 1,
      rms_norm_eps: 1e-5,
      rope_scaling: {
        factor: 32,
        high_freq_factor: 4,
        low_freq_factor: 1,
        original_max_position_embeddings: 8192,
        rope_type: 'llama3',
      },
      rope_theta: 500000,
      tie_word_embeddings: true,
      torch_dtype: 'bfloat16',
      transformers_version: '4.45.0.dev0',
      use_cache: true,
      vocab_size: 128256,
    });
    expect(model).toEqual({
      family: 'llama',
      hiddenSize: 2048,
      ffnSize: 8192,
      blocks: 16,
      heads: 32,
      kvHeads: 8,
      headDim: 64,
      vocabSize: 128256,
      contextLength: 131072,
      rmsNormEpsilon: 1e-5,
      ropeTheta: 500000,
      ropeScaling: {
        type: 'llama3',
        factor: 32,
        lowFreqFactor: 1,
        highFreqFactor: 4,
        originalContextLength: 8192,
      },
      tiedEmbeddings: true,
      qkvBias: false,
      oBias: false,
      mlpBias: false,
      qkNorm: false,
      slidingWindow: undefined,
    });
  });

  it('reads Qwen2.5-0.5B: biases of q, k and v without an option, its unused window ignored', () => {
    const model = parse({
      architectures: ['Qwen2ForCausalLM'],
      hidden_size: 896,
      intermediate_size: 4864,
      max_position_embeddings: 32768,
      max_window_layers: 24,
      model_type: 'qwen2',
      num_attention_heads: 14,
      num_hidden_layers: 24,
      num_key_value_heads: 2,
      rms_norm_eps: 1e-6,
      rope_theta: 1000000,
      sliding_window: 32768,
      tie_word_embeddings: true,
      use_mrope: false,
      use_sliding_window: false,
      vocab_size: 151936,
    });
    expect(model).toMatchObject({ headDim: 64, kvHeads: 2, qkvBias: true, oBias: false, mlpBias: false });
    expect(model).toMatchObject({
      ropeTheta: 1000000,
      tiedEmbeddings: true,
      slidingWindow: undefined,
      qkNorm: false,
    });
  });

  it('reads Qwen3: norms of q and k, a head_dim of its own', () => {
    const qwen3 = parse({
      model_type: 'qwen3',
      num_attention_heads: 16,
      num_key_value_heads: 8,
      head_dim: 128,
    });
    expect(qwen3).toMatchObject({ headDim: 128, qkNorm: true, qkvBias: false, oBias: false });
    expect(parse({ model_type: 'qwen3', attention_bias: true })).toMatchObject({
      qkvBias: true,
      oBias: true,
    });
  });

  it('reads Mistral, with the window wherever it is not null', () => {
    const mistral = { model_type: 'mistral', architectures: ['MistralForCausalLM'], num_key_value_heads: 8 };
    expect(parse({ ...mistral, sliding_window: 4096 }).slidingWindow).toBe(4096);
    expect(parse({ ...mistral, sliding_window: null }).slidingWindow).toBeUndefined();
    expect(parse(mistral).slidingWindow).toBe(4096);
  });

  it('takes the defaults of transformers where keys are missing', () => {
    expect(parse({ model_type: 'llama' })).toMatchObject({
      kvHeads: 32,
      headDim: 16,
      contextLength: 2048,
      rmsNormEpsilon: 1e-6,
      ropeTheta: 10000,
      ropeScaling: { type: 'none' },
      tiedEmbeddings: false,
    });
    expect(parse({ model_type: 'mistral' })).toMatchObject({ kvHeads: 8, contextLength: 131072 });
    expect(parse({ model_type: 'mistral', num_key_value_heads: null }).kvHeads).toBe(32);
    expect(parse({ model_type: 'qwen2' })).toMatchObject({ kvHeads: 32, headDim: 16, contextLength: 32768 });
    expect(parse({ model_type: 'qwen3' })).toMatchObject({ kvHeads: 32, headDim: 128 });
  });

  it('reads biases of LLaMA by their options', () => {
    const biases = { qkvBias: true, oBias: true, mlpBias: true };
    expect(parse({ model_type: 'llama', attention_bias: true, mlp_bias: true })).toMatchObject(biases);
  });
});

describe('sliding windows of Qwen', () => {
  const qwen = { model_type: 'qwen2', use_sliding_window: true, sliding_window: 128 };

  it('are taken where all layers have them, and left where none has', () => {
    expect(parse({ ...qwen, max_window_layers: 0 }).slidingWindow).toBe(128);
    expect(parse({ ...qwen, max_window_layers: 4 }).slidingWindow).toBeUndefined();
    expect(parse(qwen).slidingWindow).toBeUndefined();
    const all = { ...qwen, layer_types: Array.from({ length: 4 }, () => 'sliding_attention') };
    expect(parse(all).slidingWindow).toBe(128);
    const none = {
      ...qwen,
      max_window_layers: 0,
      layer_types: Array.from({ length: 4 }, () => 'full_attention'),
    };
    expect(parse(none).slidingWindow).toBeUndefined();
  });

  it('are refused by name where only some layers have them', async () => {
    expect(await refusal({ ...qwen, max_window_layers: 2 })).toMatchObject({
      code: 'model/unsupported',
      where: 'config.json, max_window_layers',
      found: '2',
    });
    const mixed = ['full_attention', 'sliding_attention', 'full_attention', 'sliding_attention'];
    expect(await refusal({ ...qwen, layer_types: mixed })).toMatchObject({
      code: 'model/unsupported',
      where: 'config.json, layer_types',
    });
    const all = Array.from({ length: 4 }, () => 'sliding_attention');
    const contradiction = await refusal({ ...qwen, use_sliding_window: false, layer_types: all });
    expect(contradiction).toMatchObject({ code: 'model/unsupported', where: 'config.json, layer_types' });
    expect((await refusal({ ...qwen, layer_types: ['full_attention'] })).code).toBe('model/config-invalid');
  });
});

describe('invalid configs', () => {
  it.each([
    ['no JSON', 'nonsense'],
    ['an array', '[]'],
    ['null', 'null'],
    ['no model_type', '{}'],
    ['Infinity, as Python writes it', '{"model_type": "llama", "rms_norm_eps": Infinity}'],
  ])('refuses %s', async (_case, text) => {
    expect((await thrownBy(() => parseConfig(text, 'config.json'))).code).toBe('model/config-invalid');
  });

  it('refuses a Git LFS pointer by name', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 600\n';
    expect((await thrownBy(() => parseConfig(pointer, 'config.json'))).code).toBe('weights/lfs-pointer');
  });

  it.each([
    ['hidden_size', 0],
    ['hidden_size', 2 ** 17 + 1],
    ['hidden_size', 512.5],
    ['intermediate_size', '1024'],
    ['intermediate_size', 2 ** 20 + 1],
    ['num_hidden_layers', 1025],
    ['num_attention_heads', -1],
    ['num_attention_heads', 4096],
    ['num_key_value_heads', 0],
    ['head_dim', 1026],
    ['vocab_size', 2 ** 23],
    ['max_position_embeddings', 1e12],
    ['rms_norm_eps', -1e-6],
    ['rms_norm_eps', 1],
    ['tie_word_embeddings', 'yes'],
    ['sliding_window', 0],
  ])('names %s = %s', async (key, value) => {
    const error = await refusal({ model_type: 'mistral', [key]: value });
    expect(error).toMatchObject({
      code: 'model/config-invalid',
      where: 'config.json',
      found: `${key}: ${JSON.stringify(value)}`,
    });
  });

  it.each([
    ['heads that are no multiple of the key-value heads', { num_key_value_heads: 3 }],
    ['an odd head_dim', { head_dim: 15 }],
    ['a hidden size that the heads do not divide', { hidden_size: 500 }],
  ])('refuses %s', async (_case, config) => {
    expect((await refusal({ model_type: 'llama', ...config })).code).toBe('model/config-invalid');
  });

  it('names a missing key', async () => {
    const error = await thrownBy(() =>
      parseConfig(JSON.stringify({ ...SIZES, model_type: 'llama', vocab_size: undefined }), 'config.json'),
    );
    expect(error).toMatchObject({ code: 'model/config-invalid', found: 'vocab_size: nothing' });
  });
});
