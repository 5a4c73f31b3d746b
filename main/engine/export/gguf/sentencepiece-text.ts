/** Whether a tokenizer treats texts as SentencePiece does, which is how llama.cpp treats them under the model `llama`. */
import { z } from 'zod';
import { stepsOf, unsupportedTokenizer } from './tokenizer-definition.ts';
import type { Step, TokenizerDefinition } from './tokenizer-definition.ts';

/** How SentencePiece writes a blank. */
const BLANK = '▁';

const prepend = z.looseObject({ type: z.literal('Prepend'), prepend: z.literal(BLANK) });

const replace = z.looseObject({
  type: z.literal('Replace'),
  pattern: z.looseObject({ String: z.literal(' ') }),
  content: z.literal(BLANK),
});

/** Blanks become ▁ and no words are split. */
const metaspace = z.looseObject({
  type: z.literal('Metaspace'),
  replacement: z.literal(BLANK),
  prepend_scheme: z.enum(['always', 'first', 'never']),
  split: z.literal(false),
});

/**
 * True for a vocabulary of pieces that falls back on bytes, false for one on bytes throughout.
 * @throws ClaqError tokenizer/unsupported for one of pieces whose texts are prepared in another way than ` ` -> `▁`
 */
export function isSentencePiece({ path, definition }: TokenizerDefinition): boolean {
  if (definition.model.byte_fallback !== true) return false;
  const { normalizers, splitters } = stepsOfText(definition);
  const foreign = [
    ...normalizers.filter((step) => !matches(prepend, step) && !matches(replace, step)),
    ...splitters.filter((step) => !matches(metaspace, step)),
  ];
  const replaced = [...normalizers, ...splitters].some(
    (step) => matches(replace, step) || matches(metaspace, step),
  );
  const [first] = foreign;
  if (first === undefined && replaced) return true;
  throw unsupportedTokenizer(
    `${path}, normalizer and pre_tokenizer`,
    'what SentencePiece does with a text: ▁ for every blank, perhaps one in front, and no splitting into words',
    first === undefined ? 'blanks that stay as they are' : JSON.stringify(first),
  );
}

/** Whether a blank is put in front of a text. */
export function prependsBlank({ definition }: TokenizerDefinition): boolean {
  const { normalizers, splitters } = stepsOfText(definition);
  return (
    normalizers.some((step) => matches(prepend, step)) ||
    splitters.some((step) => (metaspace.safeParse(step).data?.prepend_scheme ?? 'never') !== 'never')
  );
}

function stepsOfText({ normalizer, pre_tokenizer: preTokenizer }: TokenizerDefinition['definition']): {
  readonly normalizers: readonly Step[];
  readonly splitters: readonly Step[];
} {
  return { normalizers: stepsOf(normalizer), splitters: stepsOf(preTokenizer) };
}

function matches(schema: z.ZodType, step: Step): boolean {
  return schema.safeParse(step).success;
}
