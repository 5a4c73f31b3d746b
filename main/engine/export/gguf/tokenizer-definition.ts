/** The parts of tokenizer.json and tokenizer_config.json that a GGUF file has an equivalent for. */
import { join } from 'node:path';
import { z } from 'zod';
import { ClaqError } from '../../../../shared/errors.ts';
import type { Checkpoint, CompanionFiles } from '../../checkpoint/checkpoint.ts';
import {
  CONFIG_FILE,
  TOKENIZER_CONFIG_FILE,
  TOKENIZER_FILE,
  companionText,
} from '../../checkpoint/companion-files.ts';

const tokenId = z.int().nonnegative();

/** A step of the normalizer, the pre-tokenizer or the post-processor. */
const step = z.looseObject({ type: z.string() });
export type Step = z.infer<typeof step>;

const addedToken = z.looseObject({ id: tokenId, content: z.string(), special: z.boolean().default(false) });
export type AddedToken = z.infer<typeof addedToken>;

/** "left right" before transformers 4.45, which made it a pair so that tokens may hold blanks. */
const merge = z.union([
  z.tuple([z.string(), z.string()]),
  z.string().transform((text): [string, string] => {
    const blank = text.indexOf(' ', 1);
    return [text.slice(0, blank), text.slice(blank + 1)];
  }),
]);
export type Merge = z.infer<typeof merge>;

const definitionSchema = z.looseObject({
  added_tokens: z.array(addedToken).default([]),
  normalizer: step.nullish(),
  pre_tokenizer: step.nullish(),
  post_processor: step.nullish(),
  model: z.looseObject({
    type: z.literal('BPE', 'llama.cpp is given BPE vocabularies only'),
    vocab: z.record(z.string(), tokenId),
    merges: z.array(merge),
    unk_token: z.string().nullish(),
    continuing_subword_prefix: z.literal('', 'llama.cpp knows no prefix of subwords').nullish(),
    end_of_word_suffix: z.literal('', 'llama.cpp knows no suffix of words').nullish(),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
  }),
});

const named = z.union([z.string(), z.looseObject({ content: z.string() })]);
const template = z.looseObject({ name: z.string(), template: z.string() });

const tokenizerConfigSchema = z.looseObject({
  bos_token: named.nullish(),
  eos_token: named.nullish(),
  unk_token: named.nullish(),
  pad_token: named.nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  chat_template: z.union([z.string(), z.array(template)]).nullish(),
});

/**
 * Some models list several tokens that end a text; a GGUF file has one, and llama.cpp knows the usual others by their names. Old
 * ones say -1 where they have none.
 */
const idOrIds = z
  .union([tokenId, z.array(tokenId)])
  .nullish()
  .catch(undefined);
const modelConfigSchema = z.looseObject({
  bos_token_id: idOrIds,
  eos_token_id: idOrIds,
  pad_token_id: idOrIds,
});

export interface TokenizerDefinition {
  /** The file, as errors name it. */
  readonly path: string;
  readonly definition: z.infer<typeof definitionSchema>;
  readonly config: z.infer<typeof tokenizerConfigSchema>;
  /** Of config.json. */
  readonly modelConfig: z.infer<typeof modelConfigSchema>;
}

/** Throws ClaqError tokenizer/missing, tokenizer/invalid; tokenizer/unsupported for a tokenizer that is not BPE. */
export async function readTokenizerDefinition({
  companions,
  path: model,
}: Pick<Checkpoint, 'companions' | 'path'>): Promise<TokenizerDefinition> {
  const path = join(model, TOKENIZER_FILE);
  const definition = await readJson(companions, TOKENIZER_FILE, path, definitionSchema);
  if (definition === undefined) {
    throw new ClaqError('tokenizer/missing', 'The model has no tokenizer, which a GGUF file needs', {
      where: path,
      expected: 'tokenizer.json',
      found: 'no such file',
      remedy: 'fetch tokenizer.json, or export the dense model',
    });
  }
  const optional = async <T>(name: string, schema: z.ZodType<T>): Promise<T> =>
    (await readJson(companions, name, join(model, name), schema)) ?? schema.parse({});
  return {
    path,
    definition,
    config: await optional(TOKENIZER_CONFIG_FILE, tokenizerConfigSchema),
    modelConfig: await optional(CONFIG_FILE, modelConfigSchema),
  };
}

/** A tokenizer that works, and that llama.cpp has no equivalent of. */
export function unsupportedTokenizer(where: string, expected: string, found: string): ClaqError {
  return new ClaqError('tokenizer/unsupported', 'llama.cpp would split texts into other tokens', {
    where,
    expected,
    found: found.length > MAX_SHOWN ? `${found.slice(0, MAX_SHOWN)} ...` : found,
    remedy: "export the dense model; llama.cpp's own converter may know this tokenizer",
  });
}

/** Patterns of words have up to 400 characters. */
const MAX_SHOWN = 500;

/** The steps of a normalizer, pre-tokenizer or post-processor one after another, sequences resolved. */
export function stepsOf(part: Step | null | undefined): Step[] {
  if (part === null || part === undefined) return [];
  if (part.type !== 'Sequence') return [part];
  const { normalizers, pretokenizers, processors } = sequence.parse(part);
  return [...(normalizers ?? []), ...(pretokenizers ?? []), ...(processors ?? [])].flatMap(stepsOf);
}

const sequence = z.looseObject({
  normalizers: z.array(step).nullish(),
  pretokenizers: z.array(step).nullish(),
  processors: z.array(step).nullish(),
});

async function readJson<T>(
  files: CompanionFiles,
  name: string,
  path: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const text = await companionText(files, name);
  if (text === undefined) return undefined;
  const parsed = schema.safeParse(parseJson(text, path));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  if (field.startsWith('model.') && issue?.code === 'invalid_value') {
    throw unsupportedTokenizer(`${path}, ${field}`, issue.message, 'something else');
  }
  throw invalid(path, `${field}: ${issue?.message ?? 'something else'}`, parsed.error);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(path, 'no JSON', cause);
  }
}

function invalid(where: string, found: string, cause: unknown): ClaqError {
  return new ClaqError('tokenizer/invalid', 'The tokenizer cannot be used', {
    where,
    expected: "a tokenizer in Hugging Face's format",
    found,
    remedy: "fetch the model's tokenizer files again",
    cause,
  });
}
