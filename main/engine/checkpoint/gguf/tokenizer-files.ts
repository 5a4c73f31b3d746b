/** tokenizer.json and tokenizer_config.json as transformers would have them, from a GGUF file's metadata. */
import { shortened } from './gguf-errors.ts';
import type { GgufMetadata } from './gguf-metadata.ts';
import { sentencePieceMerges } from './sentencepiece-merges.ts';
import { TOKEN_TYPE, invalidTokenizer, readTokenizer } from './tokenizer-metadata.ts';
import type { Token, TokenizerMetadata } from './tokenizer-metadata.ts';

/** How SentencePiece writes a blank. */
const BLANK = '▁';

/** Throws ClaqError tokenizer/invalid, weights/malformed. */
export function tokenizerText(metadata: GgufMetadata): string {
  const tokenizer = readTokenizer(metadata);
  const definition = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: tokenizer.tokens.filter(isAdded).map(addedToken),
    ...(tokenizer.kind.name === 'sentencepiece'
      ? sentencePieceParts(tokenizer)
      : byteLevelParts(tokenizer.kind.words)),
    post_processor: postProcessor(tokenizer, metadata.file),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: tokenizer.kind.name === 'sentencepiece' ? (tokenizer.unknown?.text ?? null) : null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: tokenizer.kind.name === 'sentencepiece',
      byte_fallback: tokenizer.tokens.some(({ type }) => type === TOKEN_TYPE.byte),
      ignore_merges: tokenizer.kind.name === 'byte-level' && tokenizer.kind.words.ignoreMerges,
      vocab: Object.fromEntries(tokenizer.tokens.map(({ text, id }) => [text, id])),
      merges: mergesOf(tokenizer, metadata.file),
    },
  };
  return JSON.stringify(definition);
}

/** Throws ClaqError tokenizer/invalid, weights/malformed. */
export function tokenizerConfigText(metadata: GgufMetadata, contextLength: number): string {
  const { bos, eos, unknown, padding, addBos, addEos, chatTemplate } = readTokenizer(metadata);
  const config = {
    add_bos_token: addBos,
    add_eos_token: addEos,
    bos_token: bos?.text,
    chat_template: chatTemplate,
    clean_up_tokenization_spaces: false,
    eos_token: eos?.text,
    model_max_length: contextLength,
    pad_token: padding?.text,
    tokenizer_class: 'PreTrainedTokenizerFast',
    unk_token: unknown?.text,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Tokens that are found in a text before anything else. */
function isAdded({ type }: Token): boolean {
  return type === TOKEN_TYPE.control || type === TOKEN_TYPE.unknown || type === TOKEN_TYPE.userDefined;
}

function addedToken({ id, text, type }: Token): object {
  return {
    id,
    content: text,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: type !== TOKEN_TYPE.userDefined,
  };
}

function sentencePieceParts({ addSpacePrefix }: TokenizerMetadata): object {
  const toBlank = { type: 'Replace', pattern: { String: ' ' }, content: BLANK };
  const fromBlank = { type: 'Replace', pattern: { String: BLANK }, content: ' ' };
  const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 };
  return {
    normalizer: {
      type: 'Sequence',
      normalizers: addSpacePrefix ? [{ type: 'Prepend', prepend: BLANK }, toBlank] : [toBlank],
    },
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [fromBlank, { type: 'ByteFallback' }, { type: 'Fuse' }, ...(addSpacePrefix ? [strip] : [])],
    },
  };
}

function byteLevelParts({
  normalizer,
  preTokenizer,
}: {
  normalizer: object | null;
  preTokenizer: object;
}): object {
  return {
    normalizer,
    pre_tokenizer: preTokenizer,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  };
}

/** BOS in front and EOS behind, as the file says. */
function postProcessor({ bos, eos, addBos, addEos, kind }: TokenizerMetadata, file: string): object | null {
  if (addBos && bos === undefined) throw invalidTokenizer(file, 'tokenizer.ggml.bos_token_id', 'no such key');
  if (addEos && eos === undefined) throw invalidTokenizer(file, 'tokenizer.ggml.eos_token_id', 'no such key');
  const first = addBos && bos !== undefined ? [bos] : [];
  const last = addEos && eos !== undefined ? [eos] : [];
  if (first.length + last.length === 0) {
    const byteLevel = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true };
    return kind.name === 'byte-level' ? byteLevel : null;
  }
  const around = (id: string, type: number): object[] => [
    ...first.map((token) => ({ SpecialToken: { id: token.text, type_id: type } })),
    { Sequence: { id, type_id: type } },
    ...last.map((token) => ({ SpecialToken: { id: token.text, type_id: type } })),
  ];
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(
      [...first, ...last].map(({ id, text }) => [text, { id: text, ids: [id], tokens: [text] }]),
    ),
  };
}

function mergesOf({ kind, tokens, merges }: TokenizerMetadata, file: string): [string, string][] {
  if (merges !== undefined) return listedMerges(merges, new Set(tokens.map(({ text }) => text)), file);
  if (kind.name === 'byte-level') throw invalidTokenizer(file, 'tokenizer.ggml.merges', 'no such key');
  const pieces = tokens.filter(({ type }) => type === TOKEN_TYPE.normal || type === TOKEN_TYPE.unused);
  return sentencePieceMerges(new Map(pieces.map((piece) => [piece.text, piece])));
}

/** "left right" as a pair; the left part may begin with a blank, and both must be tokens, as what they make. */
function listedMerges(
  merges: readonly string[],
  texts: ReadonlySet<string>,
  file: string,
): [string, string][] {
  return merges.map((merge, rank) => {
    const blank = merge.indexOf(' ', 1);
    const [left, right] = [merge.slice(0, blank), merge.slice(blank + 1)];
    if (blank > 0 && texts.has(left) && texts.has(right) && texts.has(left + right)) return [left, right];
    throw invalidTokenizer(
      `${file}, tokenizer.ggml.merges[${rank}]`,
      'two tokens that make a third',
      shortened(merge),
    );
  });
}
