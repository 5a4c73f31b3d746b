/**
 * Options that change what a model computes and that the forward pass does not know. A config that sets one of them would be
 * computed wrongly without a word, so it is refused by the option's name. Other unknown keys (token ids, dropout, use_cache,
 * initializer_range, ...) don't touch the computation and are passed over.
 */
import { ClaqError } from '../../../shared/errors.ts';

/** Option -> values that leave the computation as it is, besides null, [], {} and (where true is not one of them) false. */
const FOREIGN_OPTIONS: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  // rotary embedding over a part of the head, or in another order
  ['partial_rotary_factor', [1]],
  ['rotary_pct', [1]],
  ['rotary_dim', []],
  ['rope_interleave', []],
  ['rope_interleaved', []],
  ['qk_rope_head_dim', []],
  ['no_rope_layers', []],
  ['no_rope_layer_interval', []],
  ['use_rope', [true]],
  ['alibi', []],
  ['use_alibi', []],
  ['use_mrope', []],
  // mixture of experts
  ['num_experts', [0]],
  ['num_local_experts', [0]],
  ['n_routed_experts', [0]],
  ['n_shared_experts', [0]],
  ['shared_expert_intermediate_size', [0]],
  // scaling and capping
  ['attn_logit_softcapping', []],
  ['final_logit_softcapping', []],
  ['logits_scaling', [1]],
  ['logit_scale', [1]],
  ['embedding_multiplier', [1]],
  ['residual_multiplier', [1]],
  ['attention_multiplier', []],
  ['query_pre_attn_scalar', []],
  ['scale_emb', [1]],
  ['scale_depth', []],
  ['dim_model_base', []],
  ['clip_qkv', []],
  ['attn_temperature_tuning', []],
  ['llama_4_scaling', []],
  // another kind of attention or block
  ['is_causal', [true]],
  ['use_bidirectional_attention', []],
  ['is_encoder_decoder', []],
  ['add_cross_attention', []],
  ['cross_attention_layers', []],
  ['attention_chunk_size', []],
  ['attention_sinks', []],
  ['kv_lora_rank', [0]],
  ['q_lora_rank', [0]],
  ['num_kv_shared_layers', [0]],
  ['use_parallel_residual', []],
  ['parallel_attn', []],
  ['pruned_heads', []],
  // biases and norms where the family has none
  ['qk_layernorm', []],
  ['use_qk_norm', []],
  ['qk_norm', []],
  ['attention_out_bias', []],
  ['use_bias', []],
  ['bias', []],
  ['lm_head_bias', []],
  // other modalities
  ['text_config', []],
  ['vision_config', []],
  ['audio_config', []],
]);

/** Throws ClaqError model/unsupported for the first option in `config` that the forward pass does not compute. */
export function refuseForeignOptions(config: Readonly<Record<string, unknown>>, file: string): void {
  for (const key of ['quantization_config', 'compression_config']) {
    const value = config[key];
    if (changesNothing(value)) continue;
    throw new ClaqError('model/unsupported', 'The model is already quantized', {
      where: `${file}, ${key}`,
      expected: 'float16, bfloat16 or float32 weights',
      found: optionText(value),
      remedy: 'start from the original model that this one was made from',
    });
  }
  for (const [key, neutral] of FOREIGN_OPTIONS) {
    const value = config[key];
    if (changesNothing(value, neutral)) continue;
    throw unsupportedOption(
      file,
      key,
      value,
      neutral.length === 0 ? 'no such option' : neutral.map(optionText).join(' or '),
    );
  }
}

/** The error for an option of the config that the forward pass does not compute. */
export function unsupportedOption(file: string, key: string, value: unknown, expected: string): ClaqError {
  return new ClaqError('model/unsupported', `The model's option ${key} is not supported`, {
    where: `${file}, ${key}`,
    expected,
    found: optionText(value),
    remedy: 'choose a model of the families LLaMA, Yi, SmolLM2, Mistral, Qwen2 or Qwen3 without this option',
  });
}

export function optionText(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length <= 120 ? text : `${text.slice(0, 120)}...`;
}

function changesNothing(value: unknown, neutral: readonly unknown[] = []): boolean {
  if (value === undefined || value === null || neutral.includes(value)) return true;
  if (value === false) return !neutral.includes(true);
  return typeof value === 'object' && Object.keys(value).length === 0;
}
