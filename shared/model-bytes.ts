/** Bytes of a model beside its quantized matrices: what stays as it is, and what generating text takes. */
import { z } from 'zod';
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

/** How many tensors they are in. */
export function keptTensors(model: ModelDescription): number {
  const biases = MATRIX_KINDS.filter((kind) => hasBias(model, kind)).length;
  const ofBlock = 2 + (model.qkNorm ? 2 : 0) + biases;
  return (model.tiedEmbeddings ? 1 : 2) + model.blocks * ofBlock + 1;
}

/** A packed model has a SHA-256 of every tensor, and one of each file's header. */
export const CHECKSUM_BYTES = 32;
/** What a model keeps as it is, in the files that it came in. */
export const keptTensorsSchema = z.strictObject({
  bytes: z.int(),
  tensors: z.int(),
  /** Weights files of the model; the packed one has as many. */
  files: z.int(),
});
export type KeptTensors = Readonly<z.infer<typeof keptTensorsSchema>>;

/** What a model keeps as far as its description tells: in this dtype (an unknown one counts as half precision), in one file. */
export function assumedKept(model: ModelDescription, dtype: string): KeptTensors {
  const bytes = keptParameters(model) * (bytesOfDtype(dtype) ?? HALF_BYTES);
  return { bytes, tensors: keptTensors(model), files: 1 };
}

/**
 * Bytes of all tensors of a packed model (docs/packed-format.md), to the byte: the sizes of its weights files without their headers.
 * @param matrixBytes packed bytes of all matrices
 * @param arrays of all matrices together
 */
export function packedModelBytes(matrixBytes: number, arrays: number, kept: KeptTensors): number {
  return matrixBytes + kept.bytes + CHECKSUM_BYTES * (kept.files + arrays + kept.tensors);
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
