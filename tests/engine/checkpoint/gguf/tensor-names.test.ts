import { describe, expect, it } from 'vitest';
import {
  ggufNames,
  huggingFaceName,
  pairedNames,
} from '../../../../main/engine/checkpoint/gguf/tensor-names.ts';

describe('ggufNames', () => {
  it('are names that the reader of GGUF files gives back', () => {
    const names = ggufNames(12);
    for (const [name, ggufName] of names) expect(huggingFaceName(ggufName)?.name).toBe(name);
    expect(new Set(names.values()).size).toBe(3 + 12 * (4 + 14));
    expect(names.get('model.layers.11.mlp.down_proj.weight')).toBe('blk.11.ffn_down.weight');
  });
});

describe('pairedNames', () => {
  it('are those of q and k', () => {
    expect([...pairedNames(1)]).toEqual([
      'model.layers.0.self_attn.q_proj.weight',
      'model.layers.0.self_attn.q_proj.bias',
      'model.layers.0.self_attn.k_proj.weight',
      'model.layers.0.self_attn.k_proj.bias',
    ]);
  });
});
