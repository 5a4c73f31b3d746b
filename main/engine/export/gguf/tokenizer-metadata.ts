/** The tokenizer of a model as a GGUF file holds it. */
import { ClaqError } from '../../../../shared/errors.ts';
import type { Checkpoint } from '../../checkpoint/checkpoint.ts';
import { TOKEN_TYPE } from '../../checkpoint/gguf/tokenizer-metadata.ts';
import { chatTemplateMetadata } from './chat-template.ts';
import type { GgufValue } from './header.ts';
import { preTokenizerName } from './pre-tokenizer-name.ts';
import { sentencePieceScores } from './sentencepiece-scores.ts';
import { isSentencePiece, prependsBlank } from './sentencepiece-text.ts';
import { specialTokenMetadata } from './special-tokens.ts';
import { readTokenizerDefinition, unsupportedTokenizer } from './tokenizer-definition.ts';
import type { AddedToken, TokenizerDefinition } from './tokenizer-definition.ts';

const KEY = 'tokenizer.ggml.';

interface Token {
  readonly text: string;
  readonly type: number;
}

/**
 * Keys and values, in order.
 * @throws ClaqError tokenizer/missing, tokenizer/invalid, tokenizer/does-not-fit, tokenizer/unsupported
 */
export async function tokenizerMetadata(
  checkpoint: Pick<Checkpoint, 'companions' | 'path' | 'model'>,
): Promise<[string, GgufValue][]> {
  const source = await readTokenizerDefinition(checkpoint);
  const sentencePiece = isSentencePiece(source);
  const tokens = listTokens(source, checkpoint.model.vocabSize, sentencePiece);
  const ids = new Map(tokens.map(({ text }, id) => [text, id]));
  return [
    ...(sentencePiece ? sentencePieceMetadata(source, tokens) : byteLevelMetadata(source)),
    [`${KEY}tokens`, { type: 'strings', value: tokens.map(({ text }) => text) }],
    [`${KEY}token_type`, { type: 'i32s', value: Int32Array.from(tokens, ({ type }) => type) }],
    ...specialTokenMetadata(source, ids),
    ...(await chatTemplateMetadata(checkpoint.companions, source)),
  ];
}

function sentencePieceMetadata(source: TokenizerDefinition, tokens: readonly Token[]): [string, GgufValue][] {
  const pieces = tokens.filter(({ type }) => type === TOKEN_TYPE.normal).map(({ text }) => text);
  const scores = sentencePieceScores(pieces, source.definition.model.merges, source.path);
  const isPiece = ({ type }: Token): boolean => type === TOKEN_TYPE.normal;
  return [
    [`${KEY}model`, { type: 'string', value: 'llama' }],
    [`${KEY}pre`, { type: 'string', value: 'default' }],
    [`${KEY}add_space_prefix`, { type: 'bool', value: prependsBlank(source) }],
    [
      `${KEY}scores`,
      {
        type: 'f32s',
        value: Float32Array.from(tokens, (token) => (isPiece(token) ? (scores.get(token.text) ?? 0) : 0)),
      },
    ],
  ];
}

function byteLevelMetadata(source: TokenizerDefinition): [string, GgufValue][] {
  const merges = source.definition.model.merges.map(([left, right]) => `${left} ${right}`);
  return [
    [`${KEY}model`, { type: 'string', value: 'gpt2' }],
    [`${KEY}pre`, { type: 'string', value: preTokenizerName(source) }],
    [`${KEY}merges`, { type: 'strings', value: merges }],
  ];
}

/** All tokens by id, filled up to the rows of the embedding. */
function listTokens(
  { path, definition }: TokenizerDefinition,
  vocabSize: number,
  sentencePiece: boolean,
): Token[] {
  const { model, added_tokens: added } = definition;
  const tokens = Array.from({ length: vocabSize }, (_, id): Token => ({
    text: `[PAD${id}]`,
    type: TOKEN_TYPE.unused,
  }));
  const place = (id: number, token: Token): void => {
    if (id >= vocabSize) throw doesNotFit(path, vocabSize, id);
    tokens[id] = token;
  };
  for (const [text, id] of Object.entries(model.vocab)) {
    place(id, { text, type: sentencePiece && isByte(text) ? TOKEN_TYPE.byte : TOKEN_TYPE.normal });
  }
  for (const token of added) {
    const isUnknown = sentencePiece && token.content === model.unk_token;
    place(token.id, { text: token.content, type: isUnknown ? TOKEN_TYPE.unknown : addedType(token) });
  }
  if (sentencePiece) refuseMissingBytes(path, tokens);
  return tokens;
}

/** Tokens that look like control tokens are taken for such, whatever the file says: as llama.cpp's converter does. */
function addedType({ content, special }: AddedToken): number {
  return special || /^<\|.*\|>$|^<｜.*｜>$/s.test(content) ? TOKEN_TYPE.control : TOKEN_TYPE.userDefined;
}

function isByte(text: string): boolean {
  return /^<0x[0-9A-F]{2}>$/.test(text);
}

/** llama.cpp ends the whole program where it wants a byte that is not there. */
function refuseMissingBytes(path: string, tokens: readonly Token[]): void {
  const bytes = tokens.filter(({ type }) => type === TOKEN_TYPE.byte).length;
  if (bytes === 256) return;
  throw unsupportedTokenizer(`${path}, model.vocab`, 'a token for each of the 256 bytes', `${bytes} of them`);
}

function doesNotFit(path: string, vocabSize: number, id: number): ClaqError {
  return new ClaqError('tokenizer/does-not-fit', 'The tokenizer does not fit the model', {
    where: path,
    expected: `token ids below the model's vocabulary size, ${vocabSize}`,
    found: `token id ${id}`,
    remedy: "use the tokenizer that was published with the model's weights",
  });
}
