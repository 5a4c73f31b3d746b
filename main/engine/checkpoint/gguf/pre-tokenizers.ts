/**
 * How a byte-level tokenizer splits a text into words before it merges. A GGUF file only names it; the names are those of llama.cpp
 * (llama-vocab.cpp), the patterns those of the tokenizer.json of the models that the names stand for.
 */

export interface PreTokenizer {
  readonly normalizer: object | null;
  readonly preTokenizer: object;
  /** A word that is a token is that token, however merges would make it. */
  readonly ignoreMerges: boolean;
  /** Whether a text begins with BOS where the file does not say. */
  readonly addBos: boolean;
}

const byteLevel = (words: boolean): object => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: words,
});

const split = (pattern: string): object => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior: 'Isolated',
  invert: false,
});

const digits = { type: 'Digits', individual_digits: true };

const sequence = (...pretokenizers: readonly object[]): object => ({ type: 'Sequence', pretokenizers });

/** Words of GPT-2, which ByteLevel knows. */
const GPT2: PreTokenizer = {
  normalizer: null,
  preTokenizer: byteLevel(true),
  ignoreMerges: false,
  addBos: false,
};

const words = (numbers: string): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

const LLAMA3_WORDS = sequence(split(words('\\p{N}{1,3}')), byteLevel(false));

const LLAMA3: PreTokenizer = { ...GPT2, preTokenizer: LLAMA3_WORDS, ignoreMerges: true, addBos: true };

const QWEN2: PreTokenizer = { ...GPT2, preTokenizer: sequence(split(words('\\p{N}')), byteLevel(false)) };

/** Words that begin with a capital are split where another begins. */
const TEKKEN_WORDS = [
  '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+',
  '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*',
  '\\p{N}',
  ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*',
  '\\s*[\\r\\n]+',
  '\\s+(?!\\S)',
  '\\s+',
].join('|');

/** llama.cpp's own, of a time before the names: punctuation apart, GPT-2's words, numbers in threes. */
const DEFAULT: PreTokenizer = {
  ...GPT2,
  preTokenizer: sequence(
    split('[\\p{P}\\$\\+<=>\\^~\\|]+'),
    split("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"),
    split('\\p{N}+'),
    split('[0-9][0-9][0-9]'),
    byteLevel(false),
  ),
};

/** Those of the families that are read. */
export const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map([
  ['default', DEFAULT],
  ['gpt-2', GPT2],
  ['llama3', LLAMA3],
  ['llama-v3', LLAMA3],
  ['llama-bpe', LLAMA3],
  ['falcon3', LLAMA3],
  ['pixtral', LLAMA3],
  ['smaug-bpe', { ...GPT2, preTokenizer: LLAMA3_WORDS }],
  ['qwen2', { ...QWEN2, normalizer: { type: 'NFC' } }],
  ['deepseek-r1-qwen', QWEN2],
  ['megrez', QWEN2],
  ['smollm', { ...GPT2, preTokenizer: sequence(digits, byteLevel(true)) }],
  ['tekken', { ...LLAMA3, preTokenizer: sequence(split(TEKKEN_WORDS), byteLevel(false)) }],
  [
    'deepseek-coder',
    {
      ...GPT2,
      preTokenizer: sequence(
        split('[\\r\\n]'),
        split('\\s?\\p{L}+'),
        split('\\s?\\p{P}+'),
        split('[一-龥ࠀ-一가-퟿]+'),
        digits,
        byteLevel(false),
      ),
    },
  ],
]);
