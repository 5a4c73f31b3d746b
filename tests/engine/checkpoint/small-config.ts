import { parseConfig } from '../../../main/engine/checkpoint/config.ts';
import type { ClaqError } from '../../../shared/errors.ts';
import type { ModelDescription } from '../../../shared/model.ts';
import { thrownBy } from './thrown.ts';

export const SIZES = {
  vocab_size: 32000,
  hidden_size: 512,
  intermediate_size: 1024,
  num_hidden_layers: 4,
  num_attention_heads: 32,
};

/** What a config.json with these keys, and SIZES where it has no others, is read as. */
export function parse(config: object): ModelDescription {
  return parseConfig(JSON.stringify({ ...SIZES, ...config }), 'config.json');
}

/** Why such a config.json is refused; fails the test where it is not. */
export async function refusal(config: object): Promise<ClaqError> {
  return await thrownBy(() => parse(config));
}
