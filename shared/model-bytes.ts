/** Bytes of a model beside its quantized matrices: what stays as it is, and what generating text takes. */
import { HALF_BYTES } from './bits.ts';
import { MATRIX_KINDS, type ModelDescription, hasBias, matrixShape } from './model.ts';

const BYTES_OF_DTYPE: Readonly<Record<string, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 };

/** Bytes of a value; undefined for a dtype that is not one of the usual. */
export function bytesOfDtype(dtype: string): number | undefined {
  return BYTES_OF_DTYPE[dtype];
}

/** Parameters that are not quantized: embeddings, the head where it is not the embeddings, norms, biases. */
export function keptParameters(model: ModelDescription): number {
  const { hiddenSize, vocabSize, blocks, headDim } = model;
  const vocabulary = vocabSize * hiddenSize * (model.tiedEmbeddings ? 1 : 2);
  const norms = 2 * hiddenSize + (model.qkNorm ? 2 * headDim : 0);
  let biases = 0;
  for (const kind of MATRIX_KINDS) if (hasBias(model, kind)) biases += matrixShape(model, kind).rows;
  return vocabulary + blocks * (norms + biases) + hiddenSize;
}

/** Keys and values of `tokens` tokens in half precision; a sliding window keeps no more than it reaches back. */
export function cacheBytes(
  { blocks, kvHeads, headDim, slidingWindow }: ModelDescription,
  tokens: number,
): number {
  return HALF_BYTES * 2 * blocks * kvHeads * headDim * Math.min(tokens, slidingWindow ?? tokens);
}

/** The largest matrix of a block in half precision: what decoding one after another holds at a time. */
export function largestMatrixBytes(model: ModelDescription): number {
  const weights = MATRIX_KINDS.map((kind) => {
    const { rows, columns } = matrixShape(model, kind);
    return rows * columns;
  });
  return HALF_BYTES * Math.max(...weights);
}
