import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ggufCompanions } from '../../../../main/engine/checkpoint/gguf/gguf-companions.ts';
import { openGgufFile } from '../../../../main/engine/checkpoint/gguf/gguf-file.ts';
import { parseGgufHeader } from '../../../../main/engine/checkpoint/gguf/gguf-header.ts';
import type { GgufMetadata } from '../../../../main/engine/checkpoint/gguf/gguf-metadata.ts';
import {
  tokenizerConfigText,
  tokenizerText,
} from '../../../../main/engine/checkpoint/gguf/tokenizer-files.ts';
import { loadTokenizer } from '../../../../main/engine/text/tokenizer.ts';
import type { TextTokenizer } from '../../../../main/engine/text/tokenizer.ts';
import { DEMO, modelOf } from '../../text/demo-tokenizer.ts';
import { thrownBy } from '../thrown.ts';
import { VALUE, ggufBytes } from './gguf-bytes.ts';
import type { Entry } from './gguf-bytes.ts';
import { goldenGguf } from './golden-gguf.ts';

const Expected = z.object({
  texts: z.array(
    z.object({ text: z.string(), ids: z.array(z.number()), idsWithSpecial: z.array(z.number()) }),
  ),
  /** Of a long text. */
  corpus: z.object({ tokens: z.number(), sha256: z.string() }).optional(),
});
type Expected = z.infer<typeof Expected>;
const originals = z
  .record(z.string(), Expected)
  .parse(JSON.parse(readFileSync(goldenGguf('../token-ids.json'), 'utf8')));
const sentencePiece = Expected.extend({ merges: z.array(z.tuple([z.string(), z.string()])) }).parse(
  JSON.parse(readFileSync(goldenGguf('sentencepiece.json'), 'utf8')),
);
const corpus = readFileSync(`${DEMO}/calibration.txt`, 'utf8').slice(0, 100_000);

/** The part of tokenizer.json that tests look at. */
const Definition = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.number(), content: z.string(), special: z.boolean() })),
  normalizer: z.unknown(),
  pre_tokenizer: z.unknown(),
  post_processor: z.unknown(),
  model: z.looseObject({
    vocab: z.record(z.string(), z.number()),
    merges: z.array(z.tuple([z.string(), z.string()])),
    ignore_merges: z.boolean(),
    byte_fallback: z.boolean(),
  }),
});

async function metadataOf(entries: readonly Entry[]): Promise<GgufMetadata> {
  const bytes = ggufBytes({ entries });
  const header = await parseGgufHeader(bytes, bytes.length, 'a.gguf');
  if (header === undefined) throw new Error('the header goes on');
  return header.metadata;
}

async function goldenMetadata(name: string): Promise<GgufMetadata> {
  const file = await openGgufFile(goldenGguf(`tokenizer-${name}.gguf`));
  await file.close();
  return file.header.metadata;
}

/** The tokenizer that the program loads from the rebuilt files. */
function rebuilt(metadata: GgufMetadata, vocabSize: number): Promise<TextTokenizer> {
  return loadTokenizer({
    companions: ggufCompanions(metadata, '{}', 128),
    path: 'a.gguf',
    model: modelOf(vocabSize),
  });
}

const definitionOf = (metadata: GgufMetadata): z.infer<typeof Definition> =>
  Definition.parse(JSON.parse(tokenizerText(metadata)));

function expectIds(tokenizer: TextTokenizer, expected: Expected | undefined): void {
  for (const { text, ids, idsWithSpecial } of expected?.texts ?? []) {
    expect({ text, ids: [...tokenizer.encode(text, { special: false })] }).toEqual({ text, ids });
    expect({ text, ids: [...tokenizer.encode(text, { special: true })] }).toEqual({
      text,
      ids: idsWithSpecial,
    });
  }
  expect(expected?.texts).toHaveLength(11);
  if (expected?.corpus === undefined) return;
  const ids = tokenizer.encode(corpus, { special: true });
  const sha256 = createHash('sha256').update(new Uint8Array(ids.buffer)).digest('hex');
  expect({ tokens: ids.length, sha256 }).toEqual(expected.corpus);
}

/** A byte-level vocabulary of a few tokens. */
const SMALL: readonly Entry[] = [
  ['tokenizer.ggml.model', VALUE.text, 'gpt2'],
  ['tokenizer.ggml.pre', VALUE.text, 'gpt-2'],
  ['tokenizer.ggml.tokens', VALUE.text, ['a', 'b', 'ab', '<end>', '<tool>', '[PAD5]']],
  ['tokenizer.ggml.token_type', VALUE.i32, [1, 1, 1, 3, 4, 5]],
  ['tokenizer.ggml.merges', VALUE.text, ['a b']],
  ['tokenizer.ggml.eos_token_id', VALUE.u32, 3],
];

const smallWith = (...changes: readonly Entry[]): Promise<GgufMetadata> => {
  const keys = new Set(changes.map(([key]) => key));
  return metadataOf([...SMALL.filter(([key]) => !keys.has(key)), ...changes]);
};

const smallWithout = (key: string): Promise<GgufMetadata> =>
  metadataOf(SMALL.filter(([name]) => name !== key));

describe('a tokenizer rebuilt from a GGUF file', () => {
  it.each(['llama3', 'qwen2'])('gives the ids of the one it was made from: %s', async (name) => {
    expectIds(await rebuilt(await goldenMetadata(name), 700), originals[name]);
  });

  it("gives the ids that transformers' merges give for SentencePiece's scores", async () => {
    const metadata = await goldenMetadata('sentencepiece');
    expect(definitionOf(metadata).model.merges).toEqual(sentencePiece.merges);
    expectIds(await rebuilt(metadata, 700), sentencePiece);
  });

  it("gives the ids of the demo model's", async () => {
    const { model, added_tokens: added } = Definition.parse(
      JSON.parse(readFileSync(`${DEMO}/model/tokenizer.json`, 'utf8')),
    );
    const control = new Set(added.map(({ content }) => content));
    const tokens = Object.keys(model.vocab).sort((a, b) => (model.vocab[a] ?? 0) - (model.vocab[b] ?? 0));
    const metadata = await metadataOf([
      ['tokenizer.ggml.model', VALUE.text, 'gpt2'],
      ['tokenizer.ggml.pre', VALUE.text, 'gpt-2'],
      ['tokenizer.ggml.tokens', VALUE.text, tokens],
      ['tokenizer.ggml.token_type', VALUE.i32, tokens.map((token) => (control.has(token) ? 3 : 1))],
      ['tokenizer.ggml.merges', VALUE.text, model.merges.map((merge) => merge.join(' '))],
    ]);
    expectIds(await rebuilt(metadata, 4096), originals['demo']);
  });

  it('finds control tokens and those of users in a text, and leaves out what only fills the vocabulary', async () => {
    const { added_tokens: added, model } = definitionOf(await smallWith());
    expect(added.map(({ id, content, special }) => ({ id, content, special }))).toEqual([
      { id: 3, content: '<end>', special: true },
      { id: 4, content: '<tool>', special: false },
    ]);
    expect(model.vocab).toEqual({ a: 0, b: 1, ab: 2, '<end>': 3, '<tool>': 4 });
    expect(model.merges).toEqual([['a', 'b']]);
    const tokenizer = await rebuilt(await smallWith(), 6);
    expect([...tokenizer.encode('ab<tool>b<end>', { special: false })]).toEqual([2, 4, 1, 3]);
  });

  it('puts BOS in front and EOS behind as the file says', async () => {
    const bos: Entry = ['tokenizer.ggml.bos_token_id', VALUE.u32, 4];
    const add = (name: string): Entry => [`tokenizer.ggml.add_${name}_token`, VALUE.flag, true];
    const ids = async (...changes: Entry[]): Promise<number[]> => [
      ...(await rebuilt(await smallWith(bos, ...changes), 6)).encode('a', { special: true }),
    ];
    expect(await ids()).toEqual([0]);
    expect(await ids(add('bos'))).toEqual([4, 0]);
    expect(await ids(add('bos'), add('eos'))).toEqual([4, 0, 3]);
    // Llama 3's texts begin with BOS unless the file says otherwise.
    expect(await ids(['tokenizer.ggml.pre', VALUE.text, 'llama-bpe'])).toEqual([4, 0]);
  });

  it('describes special tokens and the chat template in tokenizer_config.json', async () => {
    const template: Entry = ['tokenizer.chat_template', VALUE.text, '{{ messages }}'];
    expect(JSON.parse(tokenizerConfigText(await smallWith(template), 512))).toEqual({
      add_bos_token: false,
      add_eos_token: false,
      chat_template: '{{ messages }}',
      clean_up_tokenization_spaces: false,
      eos_token: '<end>',
      model_max_length: 512,
      tokenizer_class: 'PreTrainedTokenizerFast',
    });
  });

  it.each([
    ['default', "don't (12345)", ['don', "'", 't', ' ', '(', '123', '45', ')']],
    ['gpt-2', "don't (12345)", ['don', "'t", ' (', '12345', ')']],
    ['smollm', "don't (123)", ['don', "'t", ' (', '1', '2', '3', ')']],
    ['llama-bpe', "don't (12345)", ['don', "'t", ' (', '123', '45', ')']],
    ['qwen2', "DON'T (123)", ['DON', "'T", ' (', '1', '2', '3', ')']],
    ['tekken', 'camelCase (12)', ['camel', 'Case', ' (', '1', '2', ')']],
    ['deepseek-coder', 'a word, 12', ['a', ' word', ',', ' ', '1', '2']],
  ])('splits words as %s does', async (pre, text, words) => {
    // Every word that is right is a token, so a text that is split as it should be is these tokens.
    const spelled = [...new Set(words)].map((word) => word.replaceAll(' ', 'Ġ'));
    const characters = [...new Set(spelled.join(''))].filter((character) => !spelled.includes(character));
    const merges = spelled.flatMap((word) => {
      const parts = Array.from(word);
      return parts.slice(1).map((part, index) => [parts.slice(0, index + 1).join(''), part] as const);
    });
    const made = merges.map(([left, right]) => left + right);
    const tokens = [...new Set([...spelled, ...characters, ...made])];
    const metadata = await smallWith(
      ['tokenizer.ggml.pre', VALUE.text, pre],
      ['tokenizer.ggml.tokens', VALUE.text, [...tokens, '<end>']],
      ['tokenizer.ggml.token_type', VALUE.i32, [...tokens.map(() => 1), 3]],
      ['tokenizer.ggml.merges', VALUE.text, [...new Set(merges.map((merge) => merge.join(' ')))]],
      ['tokenizer.ggml.eos_token_id', VALUE.u32, tokens.length],
      ['tokenizer.ggml.add_bos_token', VALUE.flag, false],
    );
    const ids = [...(await rebuilt(metadata, 100)).encode(text, { special: false })];
    expect(ids.map((id) => tokens[id]?.replaceAll('Ġ', ' '))).toEqual(words);
  });
});

describe('a tokenizer that cannot be rebuilt', () => {
  const pre = (name: string): Entry => ['tokenizer.ggml.pre', VALUE.text, name];

  it.each<[string, () => Promise<GgufMetadata>, object]>([
    ['of an unknown kind', () => smallWith(['tokenizer.ggml.model', VALUE.text, 't5']), { found: 't5' }],
    [
      'with unknown words',
      () => smallWith(pre('chameleon')),
      { where: 'a.gguf, tokenizer.ggml.pre', found: 'chameleon' },
    ],
    ['that does not name its words', () => smallWithout('tokenizer.ggml.pre'), { found: 'no such key' }],
    ['without tokens', () => smallWithout('tokenizer.ggml.tokens'), { expected: 'tokenizer.ggml.tokens' }],
    ['without merges', () => smallWithout('tokenizer.ggml.merges'), { expected: 'tokenizer.ggml.merges' }],
    [
      'with a merge of no tokens',
      () => smallWith(['tokenizer.ggml.merges', VALUE.text, ['a c']]),
      { found: 'a c' },
    ],
    [
      'with a merge of one part',
      () => smallWith(['tokenizer.ggml.merges', VALUE.text, ['ab']]),
      { found: 'ab' },
    ],
    [
      'with a token twice',
      () => smallWith(['tokenizer.ggml.tokens', VALUE.text, ['a', 'a', 'b', 'c', 'd', 'e']]),
      { found: 'a as 0 and 1' },
    ],
    [
      'with too few types',
      () => smallWith(['tokenizer.ggml.token_type', VALUE.i32, [1]]),
      { found: '1 of them' },
    ],
    [
      'whose EOS is no token',
      () => smallWith(['tokenizer.ggml.eos_token_id', VALUE.u32, 6]),
      { expected: 'an id below 6' },
    ],
    ['whose BOS is missing', () => smallWith(pre('llama-bpe')), { expected: 'tokenizer.ggml.bos_token_id' }],
    [
      'whose pieces have no scores',
      () => smallWith(['tokenizer.ggml.model', VALUE.text, 'llama']),
      { expected: 'tokenizer.ggml.scores' },
    ],
  ])('%s', async (_name, metadata, error) => {
    const read = await metadata();
    expect(await thrownBy(() => tokenizerText(read))).toMatchObject({ code: 'tokenizer/invalid', ...error });
  });
});
