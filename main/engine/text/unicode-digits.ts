import { z } from 'zod';

const digitsSchema = z.looseObject({
  type: z.literal('Digits'),
  individual_digits: z.boolean().default(false),
});
const sequenceSchema = z.looseObject({ type: z.literal('Sequence'), pretokenizers: z.array(z.unknown()) });

/**
 * The pre-tokenizer `Digits` as the Python library has it, which splits at every numeric character (Unicode's N: ² and Ⅷ too).
 * @huggingface/tokenizers takes it for the ten ASCII digits, so it is written as the split that it is.
 */
export function withUnicodeDigits(preTokenizer: unknown): unknown {
  const sequence = sequenceSchema.safeParse(preTokenizer).data;
  if (sequence !== undefined) {
    return { ...sequence, pretokenizers: sequence.pretokenizers.map(withUnicodeDigits) };
  }
  const digits = digitsSchema.safeParse(preTokenizer).data;
  if (digits === undefined) return preTokenizer;
  const Regex = digits.individual_digits ? '\\p{N}' : '\\p{N}+';
  return { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
}
