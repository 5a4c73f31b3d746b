/**
 * How a byte-level tokenizer splits a text into words, by llama.cpp's name for it. llama.cpp's converter tells the ways apart by the
 * ids of a test text; here the definitions are compared, so that fine-tuned vocabularies are known as well.
 */
import { z } from 'zod';
import { PRE_TOKENIZERS } from '../../checkpoint/gguf/pre-tokenizers.ts';
import { stepsOf, unsupportedTokenizer } from './tokenizer-definition.ts';
import type { Step, TokenizerDefinition } from './tokenizer-definition.ts';

/** Of the names with the same meaning, the one that llama.cpp's converter writes. */
const WRITTEN = [
  'gpt-2',
  'llama-bpe',
  'smaug-bpe',
  'qwen2',
  'smollm',
  'tekken',
  'deepseek-coder',
  'default',
] as const;

const byteLevel = z.looseObject({
  type: z.literal('ByteLevel'),
  add_prefix_space: z.boolean().default(true),
  use_regex: z.boolean().default(true),
});

const split = z.looseObject({
  type: z.literal('Split'),
  pattern: z.looseObject({ Regex: z.string() }),
  behavior: z.string(),
  invert: z.boolean().default(false),
});

/**
 * The value of tokenizer.ggml.pre.
 * @throws ClaqError tokenizer/unsupported for a way that llama.cpp is not known to have: it refuses names that it does not know, and
 * splits texts otherwise under a wrong one
 */
export function preTokenizerName({ path, definition }: TokenizerDefinition): string {
  const { pre_tokenizer: preTokenizer, normalizer, model } = definition;
  refuseNormalizer(path, stepsOf(normalizer));
  const steps = stepsOf(preTokenizer);
  const wanted = canonical(steps);
  const ignoreMerges = model.ignore_merges ?? false;
  const name = WRITTEN.find((known) => {
    const way = PRE_TOKENIZERS.get(known);
    return way !== undefined && way.ignoreMerges === ignoreMerges && canonicalOf(way.preTokenizer) === wanted;
  });
  if (name !== undefined) return name;
  throw unsupportedTokenizer(
    `${path}, pre_tokenizer`,
    `a way to split words that llama.cpp is known to have: ${WRITTEN.join(', ')}`,
    `${JSON.stringify(steps)}${ignoreMerges ? ' with ignore_merges' : ''}`,
  );
}

function canonicalOf(preTokenizer: object): string {
  return canonical(stepsOf(z.looseObject({ type: z.string() }).parse(preTokenizer)));
}

/** Texts that are equal where the steps split words in the same way. */
function canonical(steps: readonly Step[]): string {
  return JSON.stringify(steps.map(canonicalStep));
}

function canonicalStep(step: Step): object {
  const bytes = byteLevel.safeParse(step);
  if (bytes.success) {
    const { type, add_prefix_space: prefix, use_regex: words } = bytes.data;
    return { type, prefix, words };
  }
  const words = split.safeParse(step);
  if (!words.success) return step;
  const { pattern, behavior, invert } = words.data;
  // What the pattern matches are the words, whether one says that it cuts them out or that what lies between is dropped: the known
  // patterns leave nothing between.
  const isolated = invert ? behavior === 'Removed' : behavior === 'Isolated';
  return { type: 'Split', pattern: pattern.Regex.replaceAll('{1}', ''), isolated };
}

/** llama.cpp normalizes nothing. Qwen's NFC is let pass: there every GGUF gives texts in another form other ids. */
function refuseNormalizer(path: string, steps: readonly Step[]): void {
  const foreign = steps.find(({ type }) => type !== 'NFC');
  if (foreign === undefined) return;
  throw unsupportedTokenizer(`${path}, normalizer`, 'none, or NFC', JSON.stringify(foreign));
}
