import { describe, expect, it } from 'vitest';
import {
  type DescribedMatrix,
  isPacked,
  packedConfig,
  readPackedConfig,
} from '../../../main/engine/packed-model/packed-config.ts';
import { thrownBy } from '../checkpoint/thrown.ts';

const SOURCE = `{
  "architectures": [
    "LlamaForCausalLM"
  ],
  "rope_theta": 10000.0,
  "model_type": "llama",
  "rms_norm_eps": 1e-05,
  "torch_dtype": "bfloat16",
  "big": 12345678901234567890
}
`;

const MATRICES = new Map<string, DescribedMatrix>([
  [
    'model.layers.0.mlp.up_proj',
    { rows: 5, columns: 3, levels: 'codebook', arrays: { classes: [2, 2], codebooks: [8], codes: [3] } },
  ],
  [
    'model.layers.0.mlp.down_proj',
    { rows: 3, columns: 5, levels: 'grid', width: 3, group_size: 2, arrays: { scales: [3, 3], codes: [6] } },
  ],
]);

const PACKED = `{
  "architectures": [
    "ClaqForCausalLM"
  ],
  "rope_theta": 10000.0,
  "model_type": "claq",
  "rms_norm_eps": 1e-05,
  "torch_dtype": "bfloat16",
  "big": 12345678901234567890,
  "auto_map": {
    "AutoConfig": "modeling_claq.ClaqConfig",
    "AutoModelForCausalLM": "modeling_claq.ClaqForCausalLM"
  },
  "claq": {
    "version": 1,
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "program": "claq 0.1.0",
    "matrices": {
      "model.layers.0.mlp.up_proj": {"rows":5,"columns":3,"levels":"codebook","arrays":{"classes":[2,2],"codebooks":[8],"codes":[3]}},
      "model.layers.0.mlp.down_proj": {"rows":3,"columns":5,"levels":"grid","width":3,"group_size":2,"arrays":{"scales":[3,3],"codes":[6]}}
    }
  }
}
`;

function packed(source: string, matrices: ReadonlyMap<string, DescribedMatrix> = new Map()): string {
  return packedConfig({ source, dtype: 'BF16', program: 'claq 0.1.0', matrices });
}

describe('config.json of a packed model', () => {
  it("is the source's, with another type and what a loader must know; numbers keep their spelling", () => {
    expect(packed(SOURCE, MATRICES)).toBe(PACKED);
    expect(isPacked(PACKED)).toBe(true);
    expect(isPacked(SOURCE)).toBe(false);
    expect(isPacked('{')).toBe(false);
  });

  it("gives the source's back", () => {
    const { source, claq } = readPackedConfig(PACKED, 'config.json');
    expect(source).toBe(SOURCE);
    expect(claq.matrices).toEqual(Object.fromEntries(MATRICES));
  });

  it('gives back a source without architectures, and one with code of its own; how it was quantized is gone', () => {
    const bare = '{\n  "model_type": "qwen2",\n  "dtype": "float16"\n}\n';
    expect(readPackedConfig(packed(bare), 'c').source).toBe(bare);
    const own =
      '{"model_type":"llama","auto_map":{"AutoConfig":"own.Config"},"quantization_config":{"bits":4}}';
    expect(JSON.parse(readPackedConfig(packed(own), 'c').source)).toEqual({
      model_type: 'llama',
      auto_map: { AutoConfig: 'own.Config' },
      // Not said by the source, and not to be guessed from codebooks.
      torch_dtype: 'bfloat16',
    });
  });

  it('of a later form is refused by its version', async () => {
    const later = PACKED.replace('"version": 1', '"version": 2');
    expect(await thrownBy(() => readPackedConfig(later, 'config.json'))).toMatchObject({
      code: 'model/unsupported',
      where: 'config.json, claq.version',
      expected: '1',
      found: '2',
    });
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '7'],
    ['no key claq', SOURCE],
    ['an unknown key', PACKED.replace('"program"', '"programme": 1, "program"')],
    ['no rows', PACKED.replace('"rows":5,', '')],
    ['an absurd number of rows', PACKED.replace('"rows":5', '"rows":1048577')],
    ['half a row', PACKED.replace('"rows":5', '"rows":4.5')],
    ['a width of nine bits', PACKED.replace('"width":3', '"width":9')],
    ['other levels', PACKED.replace('"grid"', '"lattice"')],
    ['a shape of three axes', PACKED.replace('[2,2]', '[2,2,2]')],
    ['a negative size', PACKED.replace('"codes":[6]', '"codes":[-6]')],
  ])('with %s is refused', async (_, text) => {
    expect((await thrownBy(() => readPackedConfig(text, 'config.json'))).code).toBe('model/config-invalid');
  });
});
