import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import type { Checkpoint, CompanionFiles } from '../checkpoint/checkpoint.ts';
import { withUnicodeDigits } from './unicode-digits.ts';
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, companionText } from '../checkpoint/companion-files.ts';

const TokenId = z.number().int().nonnegative();

/**
 * The part of tokenizer.json that is relied on here. The rest is the library's business, but it takes a model of a type
 * that it does not know for a plain table of words: so the types are named.
 */
const TokenizerFile = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: TokenId, content: z.string() })),
  model: z.discriminatedUnion('type', [
    z.looseObject({ type: z.literal('BPE'), vocab: z.record(z.string(), TokenId) }),
    z.looseObject({ type: z.literal('WordPiece'), vocab: z.record(z.string(), TokenId) }),
    z.looseObject({ type: z.literal('Unigram'), vocab: z.array(z.tuple([z.string(), z.number()])) }),
  ]),
});

const TokenizerConfig = z.looseObject({});

/** A model's own way from text to token ids. */
export interface TextTokenizer {
  /** The largest id that it can produce. */
  readonly largestId: number;
  /**
   * The whole text in one piece: a megabyte takes about a second (with a tokenizer that splits no words, as Llama 2's,
   * ten) and 60 MB. `special`: with the tokens that the model's post-processor puts around a text, such as BOS.
   */
  encode(text: string, options: { readonly special: boolean }): Int32Array;
}

/** What a tokenizer is made of: the model's files, where they lie, and the vocabulary that it has to fit. */
export type TokenizerSource = Pick<Checkpoint, 'companions' | 'path' | 'model'>;

/**
 * The tokenizer of a model: tokenizer.json, and tokenizer_config.json where there is one.
 * Throws ClaqError tokenizer/missing, tokenizer/invalid, and tokenizer/does-not-fit where it has ids that the model's
 * embedding has no row for.
 */
export async function loadTokenizer({
  companions,
  path: source,
  model,
}: TokenizerSource): Promise<TextTokenizer> {
  const path = join(source, TOKENIZER_FILE);
  const definition = await readTokenizerFile(companions, path);
  const config = await readTokenizerConfig(companions, join(source, TOKENIZER_CONFIG_FILE));
  const largestId = largestTokenId(definition);
  if (largestId >= model.vocabSize) {
    throw new ClaqError('tokenizer/does-not-fit', 'The tokenizer does not fit the model', {
      where: path,
      expected: `token ids below the model's vocabulary size, ${model.vocabSize}`,
      found: `token id ${largestId}`,
      remedy: "Use the tokenizer that was published with the model's weights",
    });
  }
  const preTokenizer = withUnicodeDigits(definition['pre_tokenizer']);
  const tokenizer = buildTokenizer(path, { ...definition, pre_tokenizer: preTokenizer }, config);
  return {
    largestId,
    encode(text, { special }) {
      const { ids } = tokenizer.encode(text, { add_special_tokens: special });
      const tokens = new Int32Array(ids.length);
      for (const [position, id] of ids.entries()) {
        if (id === undefined)
          throw invalid(path, 'a token for every text', `none for the one at position ${position}`);
        tokens[position] = id;
      }
      return tokens;
    },
  };
}

async function readTokenizerFile(
  files: CompanionFiles,
  path: string,
): Promise<z.infer<typeof TokenizerFile>> {
  const json = await readJson(files, TOKENIZER_FILE, path);
  if (json === undefined) {
    throw new ClaqError('tokenizer/missing', 'The model folder has no tokenizer', {
      where: path,
      expected: 'tokenizer.json',
      found: 'no such file',
      remedy:
        'Fetch tokenizer.json; where there is only tokenizer.model, convert it with transformers: ' +
        'AutoTokenizer.from_pretrained(folder).save_pretrained(folder)',
    });
  }
  return parse(path, TokenizerFile, json);
}

async function readTokenizerConfig(
  files: CompanionFiles,
  path: string,
): Promise<z.infer<typeof TokenizerConfig>> {
  return parse(path, TokenizerConfig, (await readJson(files, TOKENIZER_CONFIG_FILE, path)) ?? {});
}

/** The file's JSON, or undefined where there is no such file. */
async function readJson(files: CompanionFiles, name: string, path: string): Promise<unknown> {
  const text = await companionText(files, name);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const start = text.startsWith('version https://git-lfs')
      ? 'a Git LFS pointer in place of the file'
      : 'something else';
    throw invalid(path, 'JSON', start, cause);
  }
}

function parse<T>(path: string, schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue === undefined || issue.path.length === 0 ? 'the file' : issue.path.join('.');
  const expected =
    field === 'model.type'
      ? 'a model of type BPE, WordPiece or Unigram'
      : "a tokenizer in Hugging Face's format";
  throw invalid(path, expected, `${field}: ${issue?.message ?? 'something else'}`, parsed.error);
}

function largestTokenId({ model, added_tokens }: z.infer<typeof TokenizerFile>): number {
  let largest = model.type === 'Unigram' ? model.vocab.length - 1 : -1;
  if (model.type !== 'Unigram') for (const id of Object.values(model.vocab)) largest = Math.max(largest, id);
  for (const { id } of added_tokens) largest = Math.max(largest, id);
  return largest;
}

function buildTokenizer(path: string, definition: object, config: object): Tokenizer {
  try {
    return new Tokenizer(definition, config);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw invalid(path, 'a tokenizer of parts that are known', found, cause);
  }
}

function invalid(where: string, expected: string, found: string, cause?: unknown): ClaqError {
  const remedy = "Fetch the model's tokenizer files again";
  return new ClaqError('tokenizer/invalid', 'The tokenizer cannot be used', {
    where,
    expected,
    found,
    remedy,
    cause,
  });
}
