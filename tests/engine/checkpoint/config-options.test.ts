import { describe, expect, it } from 'vitest';
import { parse, refusal } from './small-config.ts';

describe('what is not supported', () => {
  it.each(['gpt2', 'mixtral', 'gemma2', 'phi3', 'Yi', 'qwen2_moe', 7])(
    'names model_type %s',
    async (type) => {
      expect(await refusal({ model_type: type })).toMatchObject({
        code: 'model/unsupported',
        where: 'config.json, model_type',
        expected: 'llama, mistral, qwen2, qwen3',
        found: JSON.stringify(type),
      });
    },
  );

  it.each([
    ['hidden_act', 'gelu'],
    ['partial_rotary_factor', 0.5],
    ['num_experts', 8],
    ['num_local_experts', 8],
    ['attn_logit_softcapping', 50],
    ['final_logit_softcapping', 30],
    ['logits_scaling', 8],
    ['no_rope_layers', [1, 1, 1, 0]],
    ['is_causal', false],
    ['vision_config', { depth: 32 }],
    ['qkv_bias', true],
    ['sliding_window', 4096],
    ['layer_types', ['full_attention', 'sliding_attention', 'full_attention', 'full_attention']],
    ['architectures', ['LlamaForSequenceClassification']],
    ['quantization_config', { quant_method: 'gptq', bits: 4 }],
  ])('names the option %s', async (key, value) => {
    const error = await refusal({ model_type: 'llama', [key]: value });
    expect(error).toMatchObject({ code: 'model/unsupported', where: `config.json, ${key}` });
    expect(error.found).toContain(JSON.stringify(value).slice(0, 40));
  });

  it('names biases in families that have none', async () => {
    expect(await refusal({ model_type: 'mistral', attention_bias: true })).toMatchObject({
      where: 'config.json, attention_bias',
    });
    expect(await refusal({ model_type: 'qwen2', mlp_bias: true })).toMatchObject({
      where: 'config.json, mlp_bias',
    });
  });

  it('passes over neutral values of such options and over keys that compute nothing', () => {
    const neutral = {
      partial_rotary_factor: 1.0,
      num_experts: 0,
      attn_logit_softcapping: null,
      no_rope_layers: [],
      pruned_heads: {},
      is_causal: true,
      quantization_config: null,
      sliding_window: null,
      auto_map: { AutoModel: 'x' },
      pad_token_id: 0,
      attention_dropout: 0.1,
      use_cache: true,
      some_unknown_key: 5,
    };
    expect(parse({ model_type: 'llama', ...neutral })).toEqual(parse({ model_type: 'llama' }));
  });

  it('takes the first spelling of LLaMA-1', () => {
    expect(parse({ model_type: 'llama', architectures: ['LLaMAForCausalLM'] }).family).toBe('llama');
  });
});
