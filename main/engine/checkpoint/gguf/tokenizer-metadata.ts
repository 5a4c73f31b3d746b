/** What a GGUF file says of its tokenizer, checked. */
import { ClaqError } from '../../../../shared/errors.ts';
import { shortened } from './gguf-errors.ts';
import type { GgufMetadata } from './gguf-metadata.ts';
import { PRE_TOKENIZERS } from './pre-tokenizers.ts';
import type { PreTokenizer } from './pre-tokenizers.ts';

/** Types of tokens by llama.cpp's numbers. */
export const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface Token {
  readonly id: number;
  readonly text: string;
  readonly type: number;
  readonly score: number;
}

export interface TokenizerMetadata {
  /** SentencePiece's BPE, whose pieces have scores, or BPE on bytes, whose merges are listed. */
  readonly kind:
    { readonly name: 'sentencepiece' } | { readonly name: 'byte-level'; readonly words: PreTokenizer };
  /** Without those that only fill the vocabulary up to the embedding's rows. */
  readonly tokens: readonly Token[];
  /** "left right"; undefined where there are none. */
  readonly merges: readonly string[] | undefined;
  readonly bos: Token | undefined;
  readonly eos: Token | undefined;
  readonly unknown: Token | undefined;
  readonly padding: Token | undefined;
  readonly addBos: boolean;
  readonly addEos: boolean;
  readonly addSpacePrefix: boolean;
  readonly chatTemplate: string | undefined;
}

const KEY = 'tokenizer.ggml.';

/** How converters name tokens that fill the vocabulary up. */
const FILLING = /^\[PAD\d+\]$/;

/** Of SentencePiece's vocabularies, where the file does not say. */
const DEFAULT_IDS = { unknown: 0, bos: 1, eos: 2 };

/** Whether the file has a tokenizer at all. */
export function hasTokenizer(metadata: GgufMetadata): boolean {
  const model = metadata.text(`${KEY}model`);
  return model !== undefined && model !== 'none' && model !== 'no_vocab';
}

/**
 * The kind of the tokenizer, from its names alone.
 * @throws ClaqError tokenizer/invalid for a kind, or a way to split words, that is not known
 */
export function tokenizerKind(metadata: GgufMetadata): TokenizerMetadata['kind'] {
  const model = metadata.text(`${KEY}model`);
  if (model === 'llama') return { name: 'sentencepiece' };
  if (model !== 'gpt2') {
    throw invalidTokenizer(
      `${metadata.file}, ${KEY}model`,
      'llama (SentencePiece) or gpt2 (byte-level BPE)',
      model ?? 'nothing',
    );
  }
  const pre = metadata.text(`${KEY}pre`);
  const words = PRE_TOKENIZERS.get(pre ?? '');
  if (words === undefined) {
    throw invalidTokenizer(
      `${metadata.file}, ${KEY}pre`,
      [...PRE_TOKENIZERS.keys()].join(', '),
      pre ?? 'no such key',
    );
  }
  return { name: 'byte-level', words };
}

/** Throws ClaqError tokenizer/invalid, weights/malformed. */
export function readTokenizer(metadata: GgufMetadata): TokenizerMetadata {
  const kind = tokenizerKind(metadata);
  const all = readTokens(metadata, kind);
  const special = (name: string, fallback: number | undefined): Token | undefined => {
    const id = metadata.count(`${KEY}${name}_token_id`) ?? fallback;
    if (id === undefined) return undefined;
    const token = all[id];
    if (token !== undefined) return token;
    throw invalidTokenizer(`${metadata.file}, ${KEY}${name}_token_id`, `an id below ${all.length}`, `${id}`);
  };
  const defaults = kind.name === 'sentencepiece' ? DEFAULT_IDS : undefined;
  return {
    kind,
    tokens: all.filter(
      ({ text, type }) => text !== '' && !(type === TOKEN_TYPE.unused && FILLING.test(text)),
    ),
    merges: metadata.texts(`${KEY}merges`),
    bos: special('bos', defaults?.bos),
    eos: special('eos', defaults?.eos),
    unknown: special('unknown', defaults?.unknown),
    padding: special('padding', undefined),
    addBos: metadata.flag(`${KEY}add_bos_token`) ?? (kind.name === 'sentencepiece' || kind.words.addBos),
    addEos: metadata.flag(`${KEY}add_eos_token`) ?? false,
    addSpacePrefix: metadata.flag(`${KEY}add_space_prefix`) ?? kind.name === 'sentencepiece',
    chatTemplate: metadata.text('tokenizer.chat_template'),
  };
}

/** All tokens, each text once. */
function readTokens(metadata: GgufMetadata, kind: TokenizerMetadata['kind']): Token[] {
  const texts = metadata.texts(`${KEY}tokens`);
  if (texts === undefined) throw invalidTokenizer(metadata.file, `${KEY}tokens`, 'no such key');
  const ofEach = (name: string): readonly number[] | undefined => {
    const numbers = metadata.numbers(`${KEY}${name}`);
    if (numbers === undefined || numbers.length >= texts.length) return numbers;
    throw invalidTokenizer(
      `${metadata.file}, ${KEY}${name}`,
      `one for each of the ${texts.length} tokens`,
      `${numbers.length} of them`,
    );
  };
  const types = ofEach('token_type');
  const scores = ofEach('scores');
  if (kind.name === 'sentencepiece' && scores === undefined) {
    throw invalidTokenizer(metadata.file, `${KEY}scores`, 'no such key');
  }
  const ids = new Map<string, number>();
  return texts.map((text, id) => {
    const other = ids.get(text);
    if (other !== undefined && text !== '') {
      throw invalidTokenizer(
        `${metadata.file}, ${KEY}tokens`,
        'every token once',
        `${shortened(text)} as ${other} and ${id}`,
      );
    }
    ids.set(text, id);
    return { id, text, type: types?.[id] ?? TOKEN_TYPE.normal, score: scores?.[id] ?? 0 };
  });
}

export function invalidTokenizer(where: string, expected: string, found: string): ClaqError {
  return new ClaqError('tokenizer/invalid', 'The tokenizer of the GGUF file cannot be rebuilt', {
    where,
    expected,
    found,
    remedy: 'convert the model again with a recent llama.cpp, or open the original model',
  });
}
