import type { QuantizedSource } from './library.ts';

/** For whoever quantizes a model that has been quantized before: what that limits. */
export function quantizedRemark(source: QuantizedSource): string {
  const limit =
    'What was lost then cannot come back, and every perplexity here is beside these weights, not beside the original ones.';
  return source.format === 'packed'
    ? `The weights of this model were quantized by CLAQ. ${limit}`
    : `The weights in this GGUF file are quantized (${source.types.join(', ')}). ${limit} For the best result start from the original model.`;
}
