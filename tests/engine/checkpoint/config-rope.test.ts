import { describe, expect, it } from 'vitest';
import { parse, refusal } from './small-config.ts';

describe('rotary options', () => {
  const llama = { model_type: 'llama' };
  const llama3 = {
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  };

  it('reads both spellings to the same', () => {
    const expected = { ropeTheta: 500000, ropeScaling: { type: 'linear', factor: 4 } };
    expect(
      parse({ ...llama, rope_theta: 500000, rope_scaling: { type: 'linear', factor: 4 } }),
    ).toMatchObject(expected);
    expect(
      parse({ ...llama, rope_parameters: { rope_type: 'linear', factor: 4, rope_theta: 500000 } }),
    ).toMatchObject(expected);
    const both = { rope_type: 'linear', factor: 4, rope_theta: 500000 };
    expect(parse({ ...llama, rope_theta: 500000, rope_scaling: both, rope_parameters: both })).toMatchObject(
      expected,
    );
  });

  it('takes null, {} and default as no scaling', () => {
    for (const rope of [null, {}, { rope_type: 'default' }, { type: 'default', rope_theta: 10000 }]) {
      expect(parse({ ...llama, rope_scaling: rope }).ropeScaling).toEqual({ type: 'none' });
      expect(parse({ ...llama, rope_parameters: rope }).ropeScaling).toEqual({ type: 'none' });
    }
  });

  it.each(['yarn', 'dynamic', 'longrope', 'proportional', 'mrope'])('names the type %s', async (type) => {
    const error = await refusal({ ...llama, rope_scaling: { type, factor: 2 } });
    expect(error).toMatchObject({
      code: 'model/unsupported',
      where: 'config.json, rope_scaling.rope_type',
      found: `"${type}"`,
    });
    expect(await refusal({ ...llama, rope_parameters: { rope_type: type, factor: 2 } })).toMatchObject({
      code: 'model/unsupported',
      where: 'config.json, rope_parameters.rope_type',
    });
  });

  it.each([
    ['rope_parameters.full_attention', { rope_parameters: { full_attention: { rope_type: 'default' } } }],
    [
      'rope_scaling.attention_factor',
      { rope_scaling: { ...llama3, rope_type: 'llama3', attention_factor: 2 } },
    ],
    [
      'rope_parameters.partial_rotary_factor',
      { rope_parameters: { rope_type: 'default', partial_rotary_factor: 0.5 } },
    ],
    ['rope_scaling.mrope_section', { rope_scaling: { rope_type: 'default', mrope_section: [16, 24, 24] } }],
  ])('names the key %s', async (key, config) => {
    const error = await refusal({ ...llama, ...config });
    expect(error).toMatchObject({ code: 'model/unsupported', where: `config.json, ${key}` });
  });

  it.each([
    ['a factor below 1', { rope_scaling: { type: 'linear', factor: 0.5 } }],
    ['no factor', { rope_scaling: { type: 'linear' } }],
    [
      'a missing key of llama3',
      { rope_scaling: { ...llama3, rope_type: 'llama3', low_freq_factor: undefined } },
    ],
    [
      'no original context',
      { rope_scaling: { ...llama3, rope_type: 'llama3', original_max_position_embeddings: null } },
    ],
    ['low above high', { rope_scaling: { ...llama3, rope_type: 'llama3', low_freq_factor: 4 } }],
    ['a theta out of range', { rope_theta: 0 }],
    ['two thetas', { rope_theta: 10000, rope_parameters: { rope_type: 'default', rope_theta: 20000 } }],
    [
      'two scalings',
      { rope_scaling: { type: 'linear', factor: 2 }, rope_parameters: { rope_type: 'linear', factor: 4 } },
    ],
    [
      'two original contexts',
      { original_max_position_embeddings: 4096, rope_scaling: { ...llama3, rope_type: 'llama3' } },
    ],
  ])('refuses %s', async (_case, config) => {
    expect((await refusal({ ...llama, ...config })).code).toBe('model/config-invalid');
  });
});
