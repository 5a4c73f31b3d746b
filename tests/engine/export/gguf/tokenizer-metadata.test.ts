import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openGgufFile } from '../../../../main/engine/checkpoint/gguf/gguf-file.ts';
import {
  tokenizerConfigText,
  tokenizerText,
} from '../../../../main/engine/checkpoint/gguf/tokenizer-files.ts';
import type { GgufValue } from '../../../../main/engine/export/gguf/header.ts';
import { tokenizerMetadata } from '../../../../main/engine/export/gguf/tokenizer-metadata.ts';
import type { ClaqError } from '../../../../shared/errors.ts';
import { goldenGguf } from '../../checkpoint/gguf/golden-gguf.ts';
import { thrownBy } from '../../checkpoint/thrown.ts';
import { modelOf } from '../../text/demo-tokenizer.ts';
import { byteLetters, byteLevelDefinition } from './small-tokenizer.ts';

const floats = z.instanceof(Float32Array);
const anyObject = z.looseObject({});

type Files = Readonly<Record<string, string | object>>;

async function metadataOf(files: Files, vocabSize = 264): Promise<ReadonlyMap<string, GgufValue['value']>> {
  const read = (name: string): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    const content = files[name];
    const text = typeof content === 'object' ? JSON.stringify(content) : content;
    return Promise.resolve(text === undefined ? undefined : new TextEncoder().encode(text));
  };
  const companions = { names: Object.keys(files), read };
  const entries = await tokenizerMetadata({ path: '/model', companions, model: modelOf(vocabSize) });
  return new Map(entries.map(([key, { value }]) => [key.replace('tokenizer.ggml.', ''), value]));
}

const refusal = (definition: object, others: Files = {}, vocabSize = 264): Promise<ClaqError> =>
  thrownBy(() => metadataOf({ 'tokenizer.json': definition, ...others }, vocabSize));

describe('a byte-level tokenizer', () => {
  it('has its tokens, their types and merges, filled up to the rows of the embedding', async () => {
    const metadata = await metadataOf({ 'tokenizer.json': byteLevelDefinition() });
    const tokens = ['<s>', '</s>', ...byteLetters(), 'he', 'Ġt', 'Ġthe', '[PAD261]', '[PAD262]', '[PAD263]'];
    expect(Object.fromEntries(metadata)).toEqual({
      model: 'gpt2',
      pre: 'gpt-2',
      tokens,
      token_type: Int32Array.from(tokens, (_, id) => (id < 2 ? 3 : id < 261 ? 1 : 5)),
      merges: ['h e', 'Ġ t', 'Ġt he'],
      add_bos_token: false,
      add_eos_token: false,
    });
  });

  it('takes added tokens for control tokens where they are special or look like it', async () => {
    const added = [
      { id: 261, content: '<tool>', special: false },
      { id: 262, content: '<|fim|>', special: false },
      { id: 263, content: '[INST]', special: true },
    ];
    const metadata = await metadataOf({ 'tokenizer.json': byteLevelDefinition({ added_tokens: added }) });
    expect(metadata.get('token_type')).toEqual(
      Int32Array.from({ length: 264 }, (_, id) => [4, 3, 3][id - 261] ?? 1),
    );
  });

  it('reads merges of either spelling', async () => {
    const model = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] };
    const metadata = await metadataOf({ 'tokenizer.json': byteLevelDefinition({ model }) });
    expect(metadata.get('merges')).toEqual(['a b']);
  });
});

describe('tokens with a role', () => {
  const template = (...single: object[]): object => ({ type: 'TemplateProcessing', single, pair: [] });
  const special = (id: string): object => ({ SpecialToken: { id, type_id: 0 } });
  const text = { Sequence: { id: 'A', type_id: 0 } };

  it('come from tokenizer_config.json, then from config.json', async () => {
    const metadata = await metadataOf({
      'tokenizer.json': byteLevelDefinition(),
      'tokenizer_config.json': { bos_token: '<s>', pad_token: { content: '</s>' } },
      'config.json': { bos_token_id: 9, eos_token_id: [7, 8] },
    });
    const roles = ['bos', 'eos', 'unknown', 'padding'].map((role) => metadata.get(`${role}_token_id`));
    expect(roles).toEqual([0, 7, undefined, 1]);
  });

  it.each<[string, object, object, [boolean, boolean]]>([
    ['as the post-processor says', template(special('<s>'), text, special('</s>')), {}, [true, true]],
    [
      'whatever the config says beside it',
      template(special('<s>'), text),
      { add_bos_token: false },
      [true, false],
    ],
    [
      'in one of several steps',
      { type: 'Sequence', processors: [{ type: 'ByteLevel' }, template(text, special('</s>'))] },
      {},
      [false, true],
    ],
  ])('stand around a text %s', async (_how, postProcessor, config, added) => {
    const metadata = await metadataOf({
      'tokenizer.json': byteLevelDefinition({ post_processor: postProcessor }),
      'tokenizer_config.json': { bos_token: '<s>', eos_token: '</s>', ...config },
    });
    expect([metadata.get('add_bos_token'), metadata.get('add_eos_token')]).toEqual(added);
  });

  it('stand around a text as tokenizer_config.json says where no post-processor does', async () => {
    const metadata = await metadataOf({
      'tokenizer.json': byteLevelDefinition(),
      'tokenizer_config.json': { bos_token: '<s>', add_bos_token: true, add_eos_token: true },
    });
    expect([metadata.get('add_bos_token'), metadata.get('add_eos_token')]).toEqual([true, false]);
  });

  it('are at most one on each side', async () => {
    const postProcessor = template(special('<s>'), special('<s>'), text);
    const error = await refusal(byteLevelDefinition({ post_processor: postProcessor }));
    expect(error.code).toBe('tokenizer/unsupported');
  });
});

describe('chat templates', () => {
  const config = { chat_template: 'from the config' };
  const named = [
    { name: 'default', template: 'usual' },
    { name: 'tool use', template: 'tools' },
  ];
  it.each<[string, Files, object]>([
    [
      'tokenizer_config.json',
      { 'tokenizer_config.json': config },
      { 'tokenizer.chat_template': 'from the config' },
    ],
    [
      'a file of its own, which goes before it',
      { 'tokenizer_config.json': config, 'chat_template.jinja': 'apart' },
      { 'tokenizer.chat_template': 'apart' },
    ],
    [
      'an older such file',
      { 'chat_template.json': { chat_template: 'old' } },
      { 'tokenizer.chat_template': 'old' },
    ],
    [
      'several of them',
      { 'tokenizer_config.json': { chat_template: named } },
      {
        'tokenizer.chat_template': 'usual',
        'tokenizer.chat_templates': ['tool_use'],
        'tokenizer.chat_template.tool_use': 'tools',
      },
    ],
    ['nowhere', {}, {}],
  ])('come from %s', async (_where, files, expected) => {
    const metadata = await metadataOf({ 'tokenizer.json': byteLevelDefinition(), ...files });
    const found = [...metadata].filter(([key]) => key.includes('chat'));
    expect(Object.fromEntries(found)).toEqual(expected);
  });
});

describe('a SentencePiece tokenizer', () => {
  /** As transformers has it, made by the Python libraries; its scores are known. */
  const golden = async (): Promise<Record<string, string>> => {
    const file = await openGgufFile(goldenGguf('tokenizer-sentencepiece.gguf'));
    const { metadata } = file.header;
    await file.close();
    return {
      'tokenizer.json': tokenizerText(metadata),
      'tokenizer_config.json': tokenizerConfigText(metadata, 128),
    };
  };

  it('comes back from the merges that its scores were made into', async () => {
    const file = await openGgufFile(goldenGguf('tokenizer-sentencepiece.gguf'));
    const { metadata: known } = file.header;
    await file.close();
    const metadata = await metadataOf(await golden(), 700);
    const key = (name: string): string => `tokenizer.ggml.${name}`;
    // The two that fill the vocabulary up are not the tokenizer's.
    expect(metadata.get('tokens')).toEqual(known.texts(key('tokens'))?.slice(0, 700));
    const merged = (known.texts(key('tokens')) ?? []).flatMap((text, id) =>
      Array.from(text).length > 1 && !text.startsWith('<') && id < 700 ? [id] : [],
    );
    expect(merged).toHaveLength(367);
    const scores = floats.parse(metadata.get('scores'));
    const knownScores = known.numbers(key('scores')) ?? [];
    for (const id of merged)
      expect({ id, score: scores[id] }).toEqual({ id, score: (knownScores[id] ?? NaN) + 0 });
    // Single characters, which no merge makes, come behind.
    expect(scores[(known.texts(key('tokens')) ?? []).indexOf('e')]).toBeLessThan(-366);
    expect(metadata.get('token_type')).toEqual(
      Int32Array.from(known.numbers(key('token_type'))?.slice(0, 700) ?? []),
    );
    const rest = [
      'model',
      'pre',
      'add_space_prefix',
      'add_bos_token',
      'bos_token_id',
      'eos_token_id',
      'unknown_token_id',
    ];
    expect(rest.map((name) => metadata.get(name))).toEqual(['llama', 'default', true, true, 1, 2, 0]);
  });

  const changed = async (parts: object): Promise<object> => ({
    ...anyObject.parse(JSON.parse((await golden())['tokenizer.json'] ?? '')),
    ...parts,
  });
  const metaspace = (others: object): object => ({
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false, ...others },
  });
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };

  it.each<[string, object, boolean]>([
    ['a normalizer without a blank in front', { normalizer: replace }, false],
    ['Metaspace', metaspace({}), true],
    ['Metaspace without a blank in front', metaspace({ prepend_scheme: 'never' }), false],
  ])('may prepare texts by %s', async (_how, parts, prefix) => {
    const metadata = await metadataOf({ 'tokenizer.json': await changed(parts) }, 700);
    expect(metadata.get('add_space_prefix')).toBe(prefix);
  });

  it.each<[string, object]>([
    ['words', metaspace({ split: true })],
    ['another normalizer', { normalizer: { type: 'Sequence', normalizers: [{ type: 'NFKC' }, replace] } }],
    ['blanks that stay', { normalizer: null }],
  ])('is refused with %s', async (_what, parts) => {
    const error = await refusal(await changed(parts), {}, 700);
    expect(error.code).toBe('tokenizer/unsupported');
    expect(error.where).toBe('/model/tokenizer.json, normalizer and pre_tokenizer');
  });

  it('is refused where a byte is missing', async () => {
    const definition = (await golden())['tokenizer.json'] ?? '';
    const error = await refusal(
      anyObject.parse(JSON.parse(definition.replaceAll('<0xFF>', '<0xff>'))),
      {},
      700,
    );
    expect(error.found).toBe('255 of them');
  });
});

describe('a tokenizer that cannot be written', () => {
  it('is missing', async () => {
    expect((await thrownBy(() => metadataOf({}))).code).toBe('tokenizer/missing');
  });

  it('is no JSON, or no tokenizer', async () => {
    expect((await thrownBy(() => metadataOf({ 'tokenizer.json': '{' }))).code).toBe('tokenizer/invalid');
    expect((await refusal({ model: { type: 'BPE' } })).code).toBe('tokenizer/invalid');
  });

  it('is not BPE', async () => {
    const error = await refusal(byteLevelDefinition({ model: { type: 'Unigram', vocab: [['a', 0]] } }));
    expect([error.code, error.where]).toEqual(['tokenizer/unsupported', '/model/tokenizer.json, model.type']);
  });

  it('has tokens that the embedding has no row for', async () => {
    const error = await refusal(byteLevelDefinition(), {}, 260);
    expect([error.code, error.found]).toEqual(['tokenizer/does-not-fit', 'token id 260']);
  });
});
