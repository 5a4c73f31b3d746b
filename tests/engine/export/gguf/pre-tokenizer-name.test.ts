import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { preTokenizerName } from '../../../../main/engine/export/gguf/pre-tokenizer-name.ts';
import { readTokenizerDefinition } from '../../../../main/engine/export/gguf/tokenizer-definition.ts';
import { thrownBy } from '../../checkpoint/thrown.ts';
import { byteLevelDefinition } from './small-tokenizer.ts';

const byteLevel = (words: boolean, prefix = false): object => ({
  type: 'ByteLevel',
  add_prefix_space: prefix,
  trim_offsets: false,
  use_regex: words,
});

const split = (pattern: string, others: object = {}): object => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior: 'Isolated',
  invert: false,
  ...others,
});

const sequence = (...pretokenizers: object[]): object => ({ type: 'Sequence', pretokenizers });

const words = (numbers: string): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

async function nameOf(parts: object, ignoreMerges = false): Promise<string> {
  const model = { type: 'BPE', vocab: {}, merges: [], ignore_merges: ignoreMerges };
  const text = JSON.stringify(byteLevelDefinition({ model, ...parts }));
  return preTokenizerName(await definitionOf(text));
}

async function definitionOf(text: string): ReturnType<typeof readTokenizerDefinition> {
  const read = (name: string): Promise<Uint8Array<ArrayBuffer> | undefined> =>
    Promise.resolve(name === 'tokenizer.json' ? new TextEncoder().encode(text) : undefined);
  return await readTokenizerDefinition({ path: '/model', companions: { names: ['tokenizer.json'], read } });
}

describe('preTokenizerName', () => {
  it.each<[string, object, boolean]>([
    ['gpt-2', byteLevel(true), false],
    ['llama-bpe', sequence(split(words('\\p{N}{1,3}')), byteLevel(false)), true],
    ['smaug-bpe', sequence(split(words('\\p{N}{1,3}')), byteLevel(false)), false],
    ['qwen2', sequence(split(words('\\p{N}')), byteLevel(false)), false],
    ['smollm', sequence({ type: 'Digits', individual_digits: true }, byteLevel(true)), false],
  ])('knows %s by its definition', async (name, preTokenizer, ignoreMerges) => {
    expect(await nameOf({ pre_tokenizer: preTokenizer }, ignoreMerges)).toBe(name);
  });

  it.each([
    ['spelled otherwise', sequence(split(words('\\p{N}{1}')), byteLevel(false))],
    ['cut out', sequence(split(words('\\p{N}'), { behavior: 'Removed', invert: true }), byteLevel(false))],
    ['nested', sequence(sequence(split(words('\\p{N}'))), byteLevel(false))],
  ])('sees that a way is the same when it is %s', async (_how, preTokenizer) => {
    expect(await nameOf({ pre_tokenizer: preTokenizer })).toBe('qwen2');
  });

  it.each(['demo', 'llama3', 'qwen2'])('knows the golden tokenizer %s', async (name) => {
    const url =
      name === 'demo'
        ? '../../../../resources/demo-model/model/tokenizer.json'
        : `../../../golden/tokenizers/${name}/tokenizer.json`;
    const text = await readFile(new URL(url, import.meta.url), 'utf8');
    const expected = { demo: 'gpt-2', llama3: 'llama-bpe', qwen2: 'qwen2' }[name];
    expect(preTokenizerName(await definitionOf(text))).toBe(expected);
  });

  it.each<[string, object, boolean]>([
    ['an unknown pattern', { pre_tokenizer: sequence(split('\\w+'), byteLevel(false)) }, false],
    ['a blank in front', { pre_tokenizer: byteLevel(true, true) }, false],
    ['no splitting', { pre_tokenizer: null }, false],
    ['words that are tokens before they are merged', { pre_tokenizer: byteLevel(true) }, true],
    ['a normalizer', { normalizer: { type: 'Lowercase' } }, false],
  ])('refuses %s', async (_what, parts, ignoreMerges) => {
    const error = await thrownBy(() => nameOf(parts, ignoreMerges));
    expect(error.code).toBe('tokenizer/unsupported');
    expect(error.remedy).toContain('dense');
  });
});
