import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Checkpoint } from '../../../../main/engine/checkpoint/checkpoint.ts';
import { companionText } from '../../../../main/engine/checkpoint/companion-files.ts';
import { openFolder } from '../../../../main/engine/checkpoint/folder-checkpoint.ts';
import { openGguf } from '../../../../main/engine/checkpoint/gguf/open-gguf.ts';
import { ClaqError } from '../../../../shared/errors.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { thrownBy } from '../thrown.ts';
import { VALUE, ggufBytes } from './gguf-bytes.ts';
import type { Entry } from './gguf-bytes.ts';
import { goldenFamily, goldenGguf } from './golden-gguf.ts';
import { SMALL_ENTRIES, SMALL_TENSORS, floats, smallModel, tensorOf } from './small-model.ts';
import type { Changes } from './small-model.ts';

async function opened(bytes: Uint8Array, name = 'model.gguf'): Promise<Checkpoint> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, bytes);
  const checkpoint = await openGguf(path);
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

const refusalOf = (changes: Changes): Promise<ClaqError> => thrownBy(() => opened(smallModel(changes)));

const bytesOf = (floats: Float32Array): Uint8Array => new Uint8Array(floats.buffer);

const entries = (...list: Entry[]): Changes => ({ entries: list });

describe.each(['llama3', 'llama-biases', 'qwen3'])('a GGUF file of %s', (family) => {
  it('is the model that it was made from, tensor by tensor', async () => {
    const gguf = await openGguf(goldenGguf(`${family}.gguf`));
    onTestFinished(() => gguf.close());
    const original = await openFolder(goldenFamily(family));
    onTestFinished(() => original.close());
    expect(gguf.model).toEqual(original.model);
    expect([...gguf.tensors.keys()]).toEqual([...original.tensors.keys()]);
    for (const [name, { shape }] of original.tensors) {
      expect(gguf.tensors.get(name)?.shape).toEqual(shape);
      const [found, expected] = [await gguf.read(name), await original.read(name)];
      expect([name, Buffer.compare(bytesOf(found), bytesOf(expected))]).toEqual([name, 0]);
    }
    expect(gguf.extras.size).toBe(0);
  });
});

describe('a GGUF file', () => {
  it('says where it is and what it has', async () => {
    const checkpoint = await opened(smallModel());
    expect(checkpoint.path).toBe(join(checkpoint.folder, 'model.gguf'));
    expect(checkpoint).toMatchObject({ sourceFiles: ['model.gguf'], sharded: false, quantized: undefined });
    expect(checkpoint.shards.map(({ file, names }) => [file, names.length, names[2]])).toEqual([
      ['model.gguf', 11, 'model.layers.0.self_attn.q_proj.weight'],
    ]);
    expect(checkpoint.tensors.get('model.embed_tokens.weight')).toEqual({
      name: 'model.embed_tokens.weight',
      dtype: 'F32',
      shape: [6, 8],
      file: 'model.gguf',
    });
    expect(checkpoint.companions.names).toEqual(['config.json']);
  });

  it('becomes a config.json that transformers reads', async () => {
    const { companions } = await opened(
      smallModel(
        entries(['llama.rope.freq_base', VALUE.f32, 500_000], ['tokenizer.ggml.eos_token_id', VALUE.u32, 2]),
      ),
    );
    const text = await companionText(companions, 'config.json');
    expect(text).toContain('"rope_theta": 500000.0,');
    expect(JSON.parse(text ?? '')).toEqual({
      architectures: ['LlamaForCausalLM'],
      attention_bias: false,
      eos_token_id: 2,
      head_dim: 4,
      hidden_act: 'silu',
      hidden_size: 8,
      intermediate_size: 16,
      max_position_embeddings: 32,
      mlp_bias: false,
      model_type: 'llama',
      num_attention_heads: 2,
      num_hidden_layers: 1,
      num_key_value_heads: 1,
      rms_norm_eps: 1e-5,
      rope_scaling: null,
      rope_theta: 500_000,
      tie_word_embeddings: true,
      vocab_size: 6,
    });
    expect(companions.names).toEqual(['config.json', 'generation_config.json']);
    expect(await companionText(companions, 'generation_config.json')).toBe('{\n  "eos_token_id": 2\n}\n');
    expect(await companions.read('tokenizer.json')).toBeUndefined();
  });

  it('names its licence in a model card', async () => {
    const { companions } = await opened(
      smallModel(
        entries(['general.license', VALUE.text, 'other'], ['general.license.name', VALUE.text, 'a: b']),
      ),
    );
    expect(await companionText(companions, 'README.md')).toBe(
      '---\nlicense: other\nlicense_name: "a: b"\n---\n',
    );
  });

  it('has a head of its own where it holds one', async () => {
    const { model, tensors } = await opened(smallModel({ tensors: [floats('output.weight', [8, 6])] }));
    expect(model.tiedEmbeddings).toBe(false);
    expect(tensors.has('lm_head.weight')).toBe(true);
  });

  it('says which types its matrices are stored in, the most weights first', async () => {
    const half = { type: 1, data: new Uint8Array(2 * 64) };
    const codes = { type: 8, data: new Uint8Array(34 * 6), dimensions: [32, 6] };
    const wide: Entry[] = [
      ['llama.embedding_length', VALUE.u32, 32],
      ['llama.attention.key_length', VALUE.u32, 4],
    ];
    const tensors = SMALL_TENSORS.map(({ name, dimensions }) => {
      const sizes = dimensions.map((size, axis) => (axis === 0 && size === 8 ? 32 : Number(size)));
      if (name === 'blk.0.attn_output.weight') return floats(name, [8, 32]);
      if (name === 'blk.0.ffn_down.weight') return floats(name, [16, 32]);
      return floats(name, sizes);
    });
    const checkpoint = await opened(
      smallModel({ entries: wide, tensors: [...tensors.slice(1), { name: 'token_embd.weight', ...codes }] }),
    );
    expect(checkpoint.quantized).toEqual({ format: 'gguf', types: ['F32', 'Q8_0'] });
    expect(checkpoint.tensors.get('model.embed_tokens.weight')).toMatchObject({
      dtype: 'F32',
      sourceDtype: 'F16',
    });
    const inHalf = await opened(
      smallModel({ tensors: [{ name: 'blk.0.attn_output.weight', dimensions: [8, 8], ...half }] }),
    );
    expect(inHalf.quantized).toBeUndefined();
    expect(inHalf.tensors.get('model.layers.0.self_attn.o_proj.weight')?.dtype).toBe('F16');
  });

  it('is a Mistral where it has a window, and scales its positions as it says', async () => {
    const { model } = await opened(
      smallModel(
        entries(
          ['llama.attention.sliding_window', VALUE.u32, 16],
          ['llama.rope.scaling.type', VALUE.text, 'linear'],
          ['llama.rope.scaling.factor', VALUE.f32, 4],
        ),
      ),
    );
    expect(model).toMatchObject({
      family: 'mistral',
      slidingWindow: 16,
      ropeScaling: { type: 'linear', factor: 4 },
    });
  });

  it('may repeat its rotary frequencies, and say that they are not scaled', async () => {
    const tensors = [
      tensorOf('rope_freqs.weight', [2], Float32Array.of(1, 1)),
      tensorOf('blk.0.attn_rot_embd.weight', [2], Float32Array.of(1, 0.01)),
    ];
    const { model, extras } = await opened(smallModel({ tensors }));
    expect(model.ropeScaling).toEqual({ type: 'none' });
    expect(extras.size).toBe(0);
  });
});

describe('a GGUF file of a model that is not computed here', () => {
  it.each<[string, Changes, object]>([
    [
      'another architecture',
      entries(['general.architecture', VALUE.text, 'gemma3']),
      { expected: 'llama, qwen2, qwen3', found: 'gemma3' },
    ],
    ['no architecture', { withoutEntry: 'general.architecture' }, { found: 'no such key' }],
    [
      'a mixture of experts',
      entries(['llama.expert_count', VALUE.u32, 8]),
      { message: "The model's option llama.expert_count is not supported", found: '8' },
    ],
    ['scaled logits', entries(['llama.logit_scale', VALUE.f32, 0.5]), { found: '0.5' }],
    ['scaled attention', entries(['llama.attention.scale', VALUE.f32, 0.5]), { expected: 'no such key' }],
    [
      'attention that looks ahead',
      entries(['llama.attention.causal', VALUE.flag, false]),
      { found: 'false' },
    ],
    ['a part of each head rotated', entries(['llama.rope.dimension_count', VALUE.u32, 2]), { found: '2' }],
    [
      'values of another width than keys',
      entries(['llama.attention.value_length', VALUE.u32, 6]),
      { found: '6' },
    ],
    ['YaRN', entries(['llama.rope.scaling.type', VALUE.text, 'yarn']), { found: 'yarn' }],
    [
      'unknown rotary factors',
      { tensors: [tensorOf('rope_freqs.weight', [2], Float32Array.of(3, 0.5))] },
      { found: 'divisors of another kind' },
    ],
    [
      'rotary factors of another number',
      { tensors: [tensorOf('rope_freqs.weight', [3], Float32Array.of(1, 8, 8))] },
      { expected: "2 divisors of the frequencies as Llama 3's scaling makes them" },
    ],
    [
      'an unknown tensor',
      { tensors: [floats('blk.0.ffn_gate_exps.weight', [8, 8])] },
      { found: 'blk.0.ffn_gate_exps.weight' },
    ],
    [
      'a block too many',
      { tensors: [floats('blk.1.attn_norm.weight', [8])] },
      { found: 'blk.1.attn_norm.weight' },
    ],
    [
      'a norm of another family',
      { tensors: [floats('blk.0.attn_q_norm.weight', [4])] },
      { found: 'blk.0.attn_q_norm.weight' },
    ],
  ])('%s', async (_name, changes, error) => {
    expect(await refusalOf(changes)).toMatchObject({ code: 'model/unsupported', ...error });
  });

  it('with a tokenizer that cannot be rebuilt is refused when it is opened', async () => {
    expect(await refusalOf(entries(['tokenizer.ggml.model', VALUE.text, 't5']))).toMatchObject({
      code: 'tokenizer/invalid',
      found: 't5',
    });
  });
});

describe('a GGUF file that is not whole', () => {
  it.each<[string, Changes, object]>([
    [
      'a missing number',
      { withoutEntry: 'llama.block_count' },
      { code: 'weights/malformed', expected: 'llama.block_count' },
    ],
    [
      'no embedding',
      { withoutTensor: 'token_embd.weight' },
      { code: 'weights/malformed', expected: 'token_embd.weight' },
    ],
    [
      'a missing tensor',
      { withoutTensor: 'output_norm.weight' },
      { code: 'weights/missing-tensor', expected: 'model.norm.weight' },
    ],
    [
      'a tensor of another shape',
      { tensors: [floats('blk.0.attn_k.weight', [8, 8])] },
      { code: 'weights/wrong-shape', expected: '[4, 8]', found: '[8, 8]' },
    ],
    [
      'a type that is not read',
      {
        tensors: [
          { name: 'token_embd.weight', dimensions: [256, 6], type: 10, data: new Uint8Array(84 * 6) },
        ],
      },
      { code: 'weights/unsupported-dtype', found: 'Q2_K' },
    ],
    [
      'a number far too large',
      entries(['llama.block_count', VALUE.u32, 2 ** 31]),
      { code: 'model/config-invalid' },
    ],
  ])('%s', async (_name, changes, error) => {
    expect(await refusalOf(changes)).toMatchObject(error);
  });

  it('a Git LFS pointer, nothing, a folder', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 4\n';
    expect((await thrownBy(() => opened(new TextEncoder().encode(pointer)))).code).toBe(
      'weights/lfs-pointer',
    );
    const folder = await temporaryFolder();
    expect((await thrownBy(() => openGguf(join(folder, 'none.gguf')))).code).toBe('weights/missing-file');
    expect((await thrownBy(() => openGguf(folder))).code).toBe('weights/missing-file');
  });

  it('or damaged anywhere opens or is refused', async () => {
    const sound = smallModel();
    const headerEnd = sound.length - SMALL_TENSORS.reduce((sum, { data }) => sum + data.length, 0);
    const path = join(await temporaryFolder(), 'model.gguf');
    const change = fc.tuple(fc.nat({ max: headerEnd }), fc.integer({ min: 0, max: 255 }));
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const bytes = sound.slice();
        for (const [place, value] of changes) bytes[place] = value;
        await writeFile(path, bytes);
        try {
          const checkpoint = await openGguf(path);
          await checkpoint.companions.read('config.json');
          await checkpoint.close();
        } catch (error) {
          if (!(error instanceof ClaqError)) throw error;
          refused += 1;
        }
      }),
      { numRuns: 100 },
    );
    expect(refused).toBeGreaterThan(20);
  });
});

describe('a GGUF file in parts', () => {
  const split = (part: number, count: number): Entry[] => [
    ['split.no', VALUE.u32, part],
    ['split.count', VALUE.u32, count],
    ['split.tensors.count', VALUE.i32, SMALL_TENSORS.length],
  ];
  const first = ggufBytes({
    entries: [...SMALL_ENTRIES, ...split(0, 2)],
    tensors: SMALL_TENSORS.slice(0, 5),
  });
  const second = ggufBytes({ entries: split(1, 2), tensors: SMALL_TENSORS.slice(5) });

  async function folderOf(...files: [string, Uint8Array][]): Promise<string> {
    const folder = await temporaryFolder();
    for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
    return folder;
  }

  it('is opened by any of them', async () => {
    const names = ['a-00001-of-00002.gguf', 'a-00002-of-00002.gguf'] as const;
    const folder = await folderOf([names[0], first], [names[1], second]);
    for (const name of names) {
      const checkpoint = await openGguf(join(folder, name));
      onTestFinished(() => checkpoint.close());
      expect(checkpoint.sourceFiles).toEqual(names);
      expect(checkpoint.shards.map((shard) => shard.names.length)).toEqual([5, 6]);
      expect(checkpoint.tensors.get('model.norm.weight')?.file).toBe(names[1]);
      expect([...(await checkpoint.read('model.norm.weight'))]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
  });

  it.each<[string, [string, Uint8Array][], object]>([
    ['one is missing', [['a-00001-of-00002.gguf', first]], { code: 'weights/missing-file' }],
    [
      'one is another',
      [
        ['a-00001-of-00002.gguf', first],
        ['a-00002-of-00002.gguf', first],
      ],
      { code: 'weights/malformed', found: 'part 1 of 2' },
    ],
    ['a file has another name', [['a.gguf', first]], { code: 'model/unsupported', found: 'a.gguf' }],
    [
      'tensors are missing',
      [
        ['a-00001-of-00002.gguf', first],
        ['a-00002-of-00002.gguf', ggufBytes({ entries: split(1, 2), tensors: [] })],
      ],
      { code: 'weights/malformed', found: '5' },
    ],
  ])('is refused where %s', async (_name, files, error) => {
    const folder = await folderOf(...files);
    expect(await thrownBy(() => openGguf(join(folder, files[0]?.[0] ?? '')))).toMatchObject(error);
  });
});
