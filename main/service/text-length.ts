import { ClaqError } from '../../shared/errors.ts';
import type { ModelDescription } from '../../shared/model.ts';
import { DEFAULT_SEGMENT_LENGTH } from '../../shared/requests.ts';

/**
 * Tokens of a segment or window: where none are asked for the paper's 2048, and never more than the model was made for.
 * Throws ClaqError request/invalid.
 */
export function lengthFor(
  { contextLength }: ModelDescription,
  requested: number | undefined,
  option: '--segment-length' | '--context',
): number {
  if (requested === undefined) return Math.min(DEFAULT_SEGMENT_LENGTH, contextLength);
  if (requested <= contextLength) return requested;
  throw new ClaqError('request/invalid', 'The model was not made for so long a text', {
    where: option,
    expected: `at most the model's context, ${contextLength} tokens`,
    found: `${requested} tokens`,
    remedy: 'ask for fewer tokens, or leave the option out',
  });
}
