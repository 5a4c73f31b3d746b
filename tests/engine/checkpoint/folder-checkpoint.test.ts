import { rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { FAMILY_MODELS, familyFolder } from '../../golden/families.ts';
import { shardName, SMALL_CONFIG, smallValues, writeIndex, writeSmallModel } from './small-model.ts';
import type { SmallModel, SmallTensor } from './small-model.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { thrownBy } from './thrown.ts';

async function open(folder: string): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(folder);
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

async function openSmall(model: SmallModel): Promise<Checkpoint> {
  return await open(await writeSmallModel(await temporaryFolder(), model));
}

function without(name: string): (tensors: SmallTensor[]) => SmallTensor[] {
  return (tensors) => tensors.filter((tensor) => tensor.name !== name);
}

const inverseFrequencies: SmallTensor = {
  name: 'model.layers.0.self_attn.rotary_emb.inv_freq',
  dtype: 'F32',
  shape: [2],
  bytes: encodeFloats('F32', Float32Array.of(1, 0.01)),
};

describe('opening', () => {
  it.each(['F32', 'F16', 'BF16'] as const)('reads a single %s file', async (dtype) => {
    const checkpoint = await openSmall({ dtype });
    expect(checkpoint.tensors.size).toBe(2 * 9 + 3);
    expect(checkpoint.shards.map(({ file }) => file)).toEqual(['model.safetensors']);
    expect(checkpoint.sharded).toBe(false);
    expect(checkpoint.tensors.get('lm_head.weight')).toEqual({
      name: 'lm_head.weight',
      dtype,
      shape: [11, 8],
      file: 'model.safetensors',
    });
    // The first by name.
    expect(await checkpoint.read('lm_head.weight')).toEqual(smallValues(0, 88));
    expect(await checkpoint.readRows('lm_head.weight', 2, 5)).toEqual(smallValues(0, 88).slice(16, 40));
  });

  it('reads shards, links included', async () => {
    const folder = await writeSmallModel(await temporaryFolder(), { shards: 3 });
    const linked = await temporaryFolder();
    for (const name of [
      'config.json',
      'model.safetensors.index.json',
      ...[0, 1, 2].map((shard) => shardName(shard, 3)),
    ]) {
      await symlink(join(folder, name), join(linked, name));
    }
    const checkpoint = await open(linked);
    expect(checkpoint.sharded).toBe(true);
    expect(checkpoint.shards.map(({ names }) => names.length)).toEqual([7, 7, 7]);
    expect(await checkpoint.read('lm_head.weight')).toEqual(smallValues(0, 88));
    expect(checkpoint.tensors.get('model.norm.weight')?.file).toBe(shardName(2, 3));
    expect(await checkpoint.read('model.norm.weight')).toEqual(smallValues(20, 8));
  });

  it.each(FAMILY_MODELS)('opens %s as transformers wrote it, with nothing left over', async (name) => {
    const checkpoint = await open(familyFolder(name));
    expect([...checkpoint.extras.keys()]).toEqual([]);
    for (const tensor of checkpoint.tensors.values()) {
      const values = await checkpoint.read(tensor.name);
      expect(values.length).toBe(tensor.shape.reduce((product, size) => product * size, 1));
    }
  });

  it('lists what the model does not use', async () => {
    const checkpoint = await openSmall({ change: (tensors) => [inverseFrequencies, ...tensors] });
    expect([...checkpoint.extras.values()]).toEqual([
      { name: inverseFrequencies.name, dtype: 'F32', shape: [2], file: 'model.safetensors' },
    ]);
    expect(checkpoint.tensors.has(inverseFrequencies.name)).toBe(false);
    expect(await checkpoint.readBytes(inverseFrequencies.name, 0, 4)).toEqual(
      Uint8Array.of(0, 0, 0x80, 0x3f),
    );
  });

  it('takes a head beside tied embeddings, and none', async () => {
    const config = { ...SMALL_CONFIG, tie_word_embeddings: true };
    expect((await openSmall({ config })).tensors.has('lm_head.weight')).toBe(false);
    const head: SmallTensor = {
      name: 'lm_head.weight',
      dtype: 'F16',
      shape: [11, 8],
      bytes: new Uint8Array(176),
    };
    const withHead = await openSmall({ config, change: (tensors) => [...tensors, head] });
    expect(withHead.tensors.has('lm_head.weight')).toBe(true);
    expect(withHead.extras.size).toBe(0);
  });

  it('names a tensor that nobody has', async () => {
    const checkpoint = await openSmall({});
    expect((await thrownBy(() => checkpoint.read('model.nothing'))).code).toBe('weights/missing-tensor');
  });
});

describe('tensors that are not as the config says', () => {
  it.each([
    'model.layers.1.mlp.down_proj.weight',
    'model.layers.0.input_layernorm.weight',
    'model.embed_tokens.weight',
    'model.norm.weight',
  ])('names %s when it is missing', async (name) => {
    const error = await thrownBy(() => openSmall({ change: without(name) }));
    expect(error).toMatchObject({ code: 'weights/missing-tensor', expected: name });
  });

  it('says why a head is expected', async () => {
    const error = await thrownBy(() => openSmall({ change: without('lm_head.weight') }));
    expect(error.message).toContain('lm_head.weight (config.json does not say tie_word_embeddings: true)');
  });

  it('asks for the biases and norms of the family', async () => {
    const folder = await writeSmallModel(await temporaryFolder());
    const asFamily = async (changes: object): Promise<string | undefined> => {
      await writeFile(
        join(folder, 'config.json'),
        JSON.stringify({ ...SMALL_CONFIG, architectures: null, ...changes }),
      );
      return (await thrownBy(() => openCheckpoint(folder))).expected;
    };
    expect(await asFamily({ model_type: 'qwen2' })).toBe('model.layers.0.self_attn.q_proj.bias');
    expect(await asFamily({ model_type: 'qwen3', head_dim: 4 })).toBe(
      'model.layers.0.self_attn.q_norm.weight',
    );
    expect(await asFamily({ mlp_bias: true })).toBe('model.layers.0.mlp.gate_proj.bias');
    expect(await asFamily({ num_hidden_layers: 3 })).toBe('model.layers.2.input_layernorm.weight');
  });

  it('names shape expected and found', async () => {
    const turned = (tensors: SmallTensor[]): SmallTensor[] =>
      tensors.map((tensor) =>
        tensor.name.endsWith('1.mlp.up_proj.weight') ? { ...tensor, shape: [8, 12] } : tensor,
      );
    const error = await thrownBy(() => openSmall({ change: turned }));
    expect(error).toMatchObject({ code: 'weights/wrong-shape', expected: '[12, 8]', found: '[8, 12]' });
    expect(error.where).toMatch(/model\.safetensors, tensor model\.layers\.1\.mlp\.up_proj\.weight$/);
  });

  it('names a dtype that weights cannot have', async () => {
    const integers = (tensors: SmallTensor[]): SmallTensor[] =>
      tensors.map((tensor) => (tensor.name === 'model.norm.weight' ? { ...tensor, dtype: 'I16' } : tensor));
    expect(await thrownBy(() => openSmall({ change: integers }))).toMatchObject({
      code: 'weights/unsupported-dtype',
      found: 'I16',
    });
  });
});

describe('shards', () => {
  it('names one that is missing', async () => {
    const folder = await writeSmallModel(await temporaryFolder(), { shards: 3 });
    await rm(join(folder, shardName(1, 3)));
    expect(await thrownBy(() => openCheckpoint(folder))).toMatchObject({
      code: 'weights/missing-file',
      expected: shardName(1, 3),
      found: 'only the other 2',
    });
  });

  it('names one that is cut off', async () => {
    const folder = await writeSmallModel(await temporaryFolder(), { shards: 2 });
    await truncate(join(folder, shardName(1, 2)), 1200);
    const error = await thrownBy(() => openCheckpoint(folder));
    expect(error.code).toBe('weights/malformed');
    expect(error.where).toContain(shardName(1, 2));
  });

  it('names a tensor that is not where the index says', async () => {
    const folder = await writeSmallModel(await temporaryFolder(), { shards: 2 });
    const [first, second] = [shardName(0, 2), shardName(1, 2)];
    await writeIndex(folder, {
      'lm_head.weight': second,
      'model.norm.weight': second,
      'model.embed_tokens.weight': first,
    });
    expect(await thrownBy(() => openCheckpoint(folder))).toMatchObject({
      code: 'weights/missing-tensor',
      expected: `lm_head.weight in ${second}`,
      found: `it in ${first}`,
    });
    await writeIndex(folder, { 'model.nothing': second, 'model.embed_tokens.weight': first });
    expect(await thrownBy(() => openCheckpoint(folder))).toMatchObject({
      expected: `model.nothing in ${second}`,
      found: 'no file has it',
    });
  });

  it('refuses a tensor in two of them', async () => {
    const folder = await writeSmallModel(await temporaryFolder());
    await writeSmallModel(folder, { shards: 1 });
    await rm(join(folder, 'model.safetensors'));
    await writeSmallModel(join(folder, 'again'));
    await symlink(join(folder, 'again', 'model.safetensors'), join(folder, 'again.safetensors'));
    await writeIndex(folder, { 'lm_head.weight': shardName(0, 1), 'model.norm.weight': 'again.safetensors' });
    expect(await thrownBy(() => openCheckpoint(folder))).toMatchObject({
      code: 'weights/malformed',
      found: `again.safetensors and ${shardName(0, 1)}`,
    });
  });

  it.each([
    '../model.safetensors',
    '/etc/model.safetensors',
    'sub/model.safetensors',
    'sub\\model.safetensors',
    'C:model.safetensors',
    '..',
    '',
    'pytorch_model.bin',
  ])('refuses the shard %j', async (shard) => {
    const folder = await writeSmallModel(await temporaryFolder(), { shards: 2 });
    await writeIndex(folder, { 'lm_head.weight': shard });
    const error = await thrownBy(() => openCheckpoint(folder));
    expect(error).toMatchObject({ code: 'weights/malformed', found: JSON.stringify(shard) });
  });

  it.each([
    ['no JSON', 'x'],
    ['no weight_map', '{}'],
    ['an empty weight_map', '{"weight_map":{}}'],
    ['a weight_map of numbers', '{"weight_map":{"a":1}}'],
    ['a tensor twice', '{"weight_map":{"a":"a.safetensors","a":"b.safetensors"}}'],
    [
      'too many shards',
      JSON.stringify({
        weight_map: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`t${i}`, `${i}.safetensors`])),
      }),
    ],
  ])('refuses an index with %s', async (_case, text) => {
    const folder = await writeSmallModel(await temporaryFolder(), { shards: 2 });
    await writeFile(join(folder, 'model.safetensors.index.json'), text);
    expect((await thrownBy(() => openCheckpoint(folder))).code).toBe('weights/malformed');
  });
});

describe('folders that hold no model to open', () => {
  async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
    const folder = await temporaryFolder();
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return folder;
  }
  const config = JSON.stringify(SMALL_CONFIG);

  it.each(['pytorch_model.bin', 'pytorch_model-00001-of-00002.bin', 'consolidated.00.pth', 'model.pt'])(
    'refuses pickled weights in %s and says how to convert them',
    async (name) => {
      const error = await thrownBy(async () =>
        openCheckpoint(await folderWith({ 'config.json': config, [name]: 'pickle' })),
      );
      expect(error).toMatchObject({ code: 'weights/pickled', found: name });
      expect(error.remedy).toContain('save_pretrained');
      expect(error.remedy).toContain('safe_serialization=True');
    },
  );

  it('prefers safetensors to pickled weights beside them', async () => {
    const folder = await writeSmallModel(await temporaryFolder());
    await writeFile(join(folder, 'pytorch_model.bin'), 'pickle');
    expect((await open(folder)).tensors.size).toBe(21);
  });

  it('refuses an empty folder, a file, a path that is not there', async () => {
    const folder = await folderWith({ file: '' });
    for (const path of [folder, join(folder, 'file'), join(folder, 'none')]) {
      expect((await thrownBy(() => openCheckpoint(path))).code).toBe('model/not-a-model-folder');
    }
  });

  it('names the weights that are missing, or stand under another name', async () => {
    const error = await thrownBy(async () =>
      openCheckpoint(await folderWith({ 'config.json': config, 'consolidated.safetensors': '' })),
    );
    expect(error).toMatchObject({ code: 'weights/missing-file', found: 'consolidated.safetensors' });
  });

  it('names a Git LFS pointer in the place of weights', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n';
    const error = await thrownBy(async () =>
      openCheckpoint(await folderWith({ 'config.json': config, 'model.safetensors': pointer })),
    );
    expect(error.code).toBe('weights/lfs-pointer');
    expect(error.where).toMatch(/model\.safetensors$/);
  });
});
