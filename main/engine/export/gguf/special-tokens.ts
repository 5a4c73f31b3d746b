/** The tokens with a role: which ids they have, and which of them a text is put between. */
import { z } from 'zod';
import type { GgufValue } from './header.ts';
import { stepsOf, unsupportedTokenizer } from './tokenizer-definition.ts';
import type { TokenizerDefinition } from './tokenizer-definition.ts';

interface Roles {
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  readonly unknown: number | undefined;
  readonly padding: number | undefined;
}

/**
 * Metadata of the roles that the tokenizer has.
 * @param idOf of every token, those that fill the vocabulary up included
 * @throws ClaqError tokenizer/unsupported
 */
export function specialTokenMetadata(
  source: TokenizerDefinition,
  idOf: ReadonlyMap<string, number>,
): [string, GgufValue][] {
  const around = tokensAround(source);
  const missing = [around.first, around.last].find((token) => token !== undefined && !idOf.has(token));
  if (missing !== undefined) {
    throw unsupportedTokenizer(`${source.path}, post_processor`, 'tokens of the vocabulary', missing);
  }
  const roles = rolesOf(source, idOf, around);
  return [
    ...Object.entries(roles).flatMap(([role, id]: [string, number | undefined]): [string, GgufValue][] =>
      id === undefined ? [] : [[`tokenizer.ggml.${role}_token_id`, { type: 'u32', value: id }]],
    ),
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: around.first !== undefined }],
    ['tokenizer.ggml.add_eos_token', { type: 'bool', value: around.last !== undefined }],
  ];
}

/** Names in tokenizer_config.json go before ids in config.json, as for llama.cpp's converter. */
function rolesOf(
  { definition, config, modelConfig }: TokenizerDefinition,
  idOf: ReadonlyMap<string, number>,
  around: Around,
): Roles {
  const named = (token: string | { readonly content: string } | null | undefined): number | undefined =>
    idOf.get(typeof token === 'string' ? token : (token?.content ?? ''));
  const first = (ids: number | readonly number[] | null | undefined): number | undefined => {
    const id = typeof ids === 'number' ? ids : ids?.[0];
    return id === undefined || id >= idOf.size ? undefined : id;
  };
  return {
    bos: named(around.first) ?? named(config.bos_token) ?? first(modelConfig.bos_token_id),
    eos: named(around.last) ?? named(config.eos_token) ?? first(modelConfig.eos_token_id),
    unknown: named(config.unk_token) ?? named(definition.model.unk_token),
    padding: named(config.pad_token) ?? first(modelConfig.pad_token_id),
  };
}

interface Around {
  readonly first: string | undefined;
  readonly last: string | undefined;
}

const templateProcessing = z.looseObject({
  type: z.literal('TemplateProcessing'),
  single: z.array(
    z.union([
      z.strictObject({ SpecialToken: z.looseObject({ id: z.string() }) }),
      z.strictObject({ Sequence: z.looseObject({ id: z.string() }) }),
    ]),
  ),
});

/** What encoding puts around a text: what tokenizer.json says, since our own ids come from there; else tokenizer_config.json. */
function tokensAround({ path, definition, config }: TokenizerDefinition): Around {
  const templates = stepsOf(definition.post_processor).flatMap((step) => {
    const parsed = templateProcessing.safeParse(step);
    return parsed.success ? [parsed.data.single] : [];
  });
  const [template] = templates;
  if (template === undefined) {
    const name = (token: typeof config.bos_token): string | undefined =>
      typeof token === 'string' ? token : token?.content;
    return {
      first: config.add_bos_token === true ? name(config.bos_token) : undefined,
      last: config.add_eos_token === true ? name(config.eos_token) : undefined,
    };
  }
  const text = template.findIndex((part) => 'Sequence' in part);
  const names = template.map((part) => ('SpecialToken' in part ? part.SpecialToken.id : undefined));
  const [before, behind] = [names.slice(0, text), names.slice(text + 1)];
  if (templates.length > 1 || text < 0 || before.length > 1 || behind.length > 1) {
    throw unsupportedTokenizer(
      `${path}, post_processor`,
      'at most one token in front of a text and one behind it',
      JSON.stringify(definition.post_processor),
    );
  }
  return { first: before[0], last: behind[0] };
}
