import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { folderTokenizer } from './folder-tokenizer.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { DEMO, loadDemoTokenizer, modelOf } from './demo-tokenizer.ts';
import { folderWith } from './temporary-folder.ts';

const GOLDEN = fileURLToPath(new URL('../../golden', import.meta.url));

const Expected = z.object({
  texts: z.array(
    z.object({ text: z.string(), ids: z.array(z.number()), idsWithSpecial: z.array(z.number()) }),
  ),
  corpus: z.object({ tokens: z.number(), sha256: z.string() }),
});
const golden = z
  .record(z.string(), Expected)
  .parse(JSON.parse(readFileSync(`${GOLDEN}/token-ids.json`, 'utf8')));
const corpus = readFileSync(`${DEMO}/calibration.txt`, 'utf8').slice(0, 100_000);

const MINIMAL = {
  added_tokens: [{ id: 2, content: '</s>', special: true }],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: { type: 'BPE', vocab: { a: 0, b: 1 }, merges: [] },
};

const folderOf = (definition: unknown): Promise<string> =>
  folderWith({ 'tokenizer.json': typeof definition === 'string' ? definition : JSON.stringify(definition) });

describe.each(['demo', 'llama2', 'llama3', 'qwen2'])('the %s tokenizer', (name) => {
  const folder = name === 'demo' ? `${DEMO}/model` : `${GOLDEN}/tokenizers/${name}`;
  const expected = golden[name];

  it('gives the ids of the Python library', async () => {
    const tokenizer = await folderTokenizer(folder, modelOf(4096));
    for (const { text, ids, idsWithSpecial } of expected?.texts ?? []) {
      expect({ text, ids: [...tokenizer.encode(text, { special: false })] }).toEqual({ text, ids });
      expect({ text, ids: [...tokenizer.encode(text, { special: true })] }).toEqual({
        text,
        ids: idsWithSpecial,
      });
    }
    expect(expected?.texts).toHaveLength(11);
  });

  it('gives them for a long text too', async () => {
    const tokenizer = await folderTokenizer(folder, modelOf(4096));
    const ids = tokenizer.encode(corpus, { special: true });
    const sha256 = createHash('sha256').update(new Uint8Array(ids.buffer)).digest('hex');
    expect({ tokens: ids.length, sha256 }).toEqual(expected?.corpus);
  });
});

describe('loadTokenizer', () => {
  it('knows the largest id, added tokens included', async () => {
    expect((await loadDemoTokenizer()).largestId).toBe(4095);
    const added = { ...MINIMAL, added_tokens: [{ id: 7, content: '<pad>' }] };
    expect((await folderTokenizer(await folderOf(added), modelOf(8))).largestId).toBe(7);
  });

  it('accepts a vocabulary that just fits and refuses one that does not', async () => {
    const folder = await folderOf(MINIMAL);
    expect((await folderTokenizer(folder, modelOf(3))).largestId).toBe(2);
    await expect(folderTokenizer(folder, modelOf(2))).rejects.toMatchObject({
      code: 'tokenizer/does-not-fit',
      where: `${folder}/tokenizer.json`,
      expected: "token ids below the model's vocabulary size, 2",
      found: 'token id 2',
    });
  });

  it('works without tokenizer_config.json, and refuses one that is no JSON object', async () => {
    const files = { 'tokenizer.json': JSON.stringify(MINIMAL), 'tokenizer_config.json': '[]' };
    expect([
      ...(await folderTokenizer(await folderOf(MINIMAL), modelOf(3))).encode('ab', { special: true }),
    ]).toEqual([0, 1]);
    await expect(folderTokenizer(await folderWith(files), modelOf(3))).rejects.toMatchObject({
      code: 'tokenizer/invalid',
    });
  });

  it('says what is missing', async () => {
    const folder = await folderWith({});
    await expect(folderTokenizer(folder, modelOf(3))).rejects.toMatchObject({
      code: 'tokenizer/missing',
      where: `${folder}/tokenizer.json`,
    });
  });

  const withModel = (model: object): object => ({ ...MINIMAL, model: { ...MINIMAL.model, ...model } });

  it.each<[string, unknown, { expected?: RegExp; found: RegExp }]>([
    ['text', 'not json', { expected: /^JSON$/, found: /^something else$/ }],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', { found: /^a Git LFS pointer/ }],
    ['an array', [], { found: /^the file: / }],
    ['no model', { ...MINIMAL, model: undefined }, { found: /^model: / }],
    [
      'an unknown type',
      withModel({ type: 'Foo' }),
      { expected: /BPE, WordPiece or Unigram$/, found: /^model.type: / },
    ],
    ['an id that is no integer', withModel({ vocab: { a: 0.5 } }), { found: /^model.vocab.a: / }],
    [
      'a negative id',
      { ...MINIMAL, added_tokens: [{ id: -1, content: 'a' }] },
      { found: /^added_tokens.0.id: / },
    ],
    ['an unknown normalizer', { ...MINIMAL, normalizer: { type: 'Foo' } }, { found: /Foo/ }],
    ['an unknown pre-tokenizer', { ...MINIMAL, pre_tokenizer: { type: 'Foo' } }, { found: /Foo/ }],
    ['an unknown post-processor', { ...MINIMAL, post_processor: { type: 'Foo' } }, { found: /Foo/ }],
    ['a model without merges', withModel({ merges: undefined }), { found: /./ }],
  ])('refuses %s', async (_, definition, { expected = /./, found }) => {
    const outcome: unknown = await folderTokenizer(await folderOf(definition), modelOf(3)).catch(
      (error: unknown) => error,
    );
    expect(outcome).toBeInstanceOf(ClaqError);
    const error = outcome instanceof ClaqError ? outcome : undefined;
    expect(error?.code).toBe('tokenizer/invalid');
    expect(error?.expected).toMatch(expected);
    expect(error?.found).toMatch(found);
  });

  it.each([
    [true, [4, 5, 5, 1]],
    [false, [4, 6, 1]],
  ])(
    'splits at every numeric character, as the Python library does (each alone: %s)',
    async (individual, ids) => {
      const vocab = { a: 0, b: 1, '²': 5, '²²': 6, 'a²': 7 };
      const definition = {
        ...MINIMAL,
        added_tokens: [{ id: 2, content: '</s>', special: true }],
        pre_tokenizer: {
          type: 'Sequence',
          pretokenizers: [{ type: 'Digits', individual_digits: individual }],
        },
        model: {
          ...MINIMAL.model,
          vocab: { ...vocab, a: 4 },
          merges: [
            ['a', '²'],
            ['²', '²'],
          ],
        },
      };
      const tokenizer = await folderTokenizer(await folderOf(definition), modelOf(8));
      expect([...tokenizer.encode('a²²b', { special: false })]).toEqual(ids);
    },
  );

  it('leaves out a character that has no token, as the Python library does, if there is no unknown token', async () => {
    const tokenizer = await folderTokenizer(await folderOf(MINIMAL), modelOf(3));
    expect([...tokenizer.encode('acb', { special: false })]).toEqual([0, 1]);
  });

  it('refuses an unknown token without an id where it is needed, instead of taking token 0', async () => {
    const folder = await folderOf({ ...MINIMAL, model: { ...MINIMAL.model, unk_token: '<unk>' } });
    const tokenizer = await folderTokenizer(folder, modelOf(3));
    expect([...tokenizer.encode('ab', { special: false })]).toEqual([0, 1]);
    expect(() => tokenizer.encode('abc', { special: false })).toThrow(
      expect.objectContaining({ code: 'tokenizer/invalid', found: 'none for the one at position 2' }),
    );
  });
});
