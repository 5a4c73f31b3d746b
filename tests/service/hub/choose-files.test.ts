import { describe, expect, it } from 'vitest';
import { chooseFiles, recognizeModel } from '../../../main/service/hub/choose-files.ts';
import type { HubFile } from '../../../main/service/hub/content-hash.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';

function listed(...names: readonly string[]): HubFile[] {
  return names.map((name) => ({ name, bytes: 5, hash: `git:${'0'.repeat(40)}` }));
}

function chosen(names: readonly string[], shards: readonly string[] = []): string[] {
  return chooseFiles(recognizeModel('owner/name', listed(...names)), shards).map(({ name }) => name);
}

const INDEX = 'model.safetensors.index.json';

describe('chooseFiles', () => {
  it('takes one model.safetensors before any shards, as a folder is read', () => {
    const names = ['config.json', 'model.safetensors', INDEX, 'model-00001-of-00001.safetensors'];
    expect(chosen(names)).toEqual(['config.json', 'model.safetensors']);
  });

  it('leaves out what is not named: other weights, pickles, code, pictures', () => {
    const names = [
      ...['config.json', INDEX, 'a.safetensors', 'b.safetensors', 'consolidated.safetensors'],
      ...[
        'pytorch_model.bin',
        'modeling.py',
        'logo.png',
        '.gitattributes',
        'tokenizer.json.bak',
        'params.json',
      ],
    ];
    expect(chosen(names, ['b.safetensors', 'a.safetensors'])).toEqual([
      'config.json',
      INDEX,
      'a.safetensors',
      'b.safetensors',
    ]);
  });

  it('takes tokenizers of every kind, and the papers', () => {
    const companions = [
      ...['LICENSE', 'LICENSE-APACHE', 'NOTICE.txt', 'README.md', 'USE_POLICY.md', 'added_tokens.json'],
      ...['chat_template.jinja', 'chat_template.json', 'config.json', 'generation_config.json', 'licence.md'],
      ...['merges.txt', 'special_tokens_map.json', 'spiece.model', 'tokenizer.json', 'tokenizer.model'],
      ...['tokenizer_config.json', 'vocab.json', 'vocab.txt'],
    ];
    expect(chosen([...companions, 'model.safetensors'])).toEqual([...companions, 'model.safetensors']);
  });

  it.each(['.hidden.safetensors', 'a b.safetensors', 'a:b.safetensors', `${'a'.repeat(200)}.safetensors`])(
    'refuses a shard with the name %j, which some file systems do not take',
    async (shard) => {
      const error = await thrownBy(() => chosen(['config.json', INDEX, shard], [shard]));
      expect(error).toMatchObject({ code: 'hub/malformed', found: JSON.stringify(shard) });
    },
  );

  it('names some of many shards that are not there', async () => {
    const shards = Array.from({ length: 7 }, (_, n) => `${n}.safetensors`);
    const error = await thrownBy(() => chosen(['config.json', INDEX, '0.safetensors'], shards));
    expect(error).toMatchObject({
      code: 'weights/missing-file',
      expected: '1.safetensors, 2.safetensors, 3.safetensors, 4.safetensors, 5.safetensors, ... (6 files)',
      found: 'only the other 1',
    });
  });
});

describe('recognizeModel', () => {
  it.each([
    [['config.json', 'pytorch_model.bin'], 'weights/pickled'],
    [['config.json', 'consolidated.00.pth', 'training_args.bin'], 'weights/pickled'],
    [['config.json', 'training_args.bin'], 'weights/missing-file'],
    [['config.json', 'consolidated.safetensors'], 'weights/missing-file'],
    [['adapter_config.json', 'adapter_model.safetensors'], 'weights/missing-file'],
    [['model.safetensors'], 'model/not-a-model-folder'],
    [[], 'weights/missing-file'],
  ])('refuses %j: %s', async (names, code) => {
    expect((await thrownBy(() => recognizeModel('owner/name', listed(...names)))).code).toBe(code);
  });
});
