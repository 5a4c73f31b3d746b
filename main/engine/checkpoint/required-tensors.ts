import { MATRIX_KINDS, hasBias, matrixName, matrixShape, TENSOR_NAMES } from '../../../shared/model.ts';
import type { ModelDescription } from '../../../shared/model.ts';

/** Every tensor that the computation of `model` needs, with its shape, in the order of the computation. */
export function requiredTensors(model: ModelDescription): ReadonlyMap<string, readonly number[]> {
  const { hiddenSize, headDim } = model;
  const shapes = new Map<string, readonly number[]>([[TENSOR_NAMES.embedding, embeddingShape(model)]]);
  for (let block = 0; block < model.blocks; block++) {
    shapes.set(TENSOR_NAMES.inputNorm(block), [hiddenSize]);
    for (const kind of MATRIX_KINDS) {
      const { rows, columns } = matrixShape(model, kind);
      shapes.set(`${matrixName(block, kind)}.weight`, [rows, columns]);
      if (hasBias(model, kind)) shapes.set(`${matrixName(block, kind)}.bias`, [rows]);
    }
    if (model.qkNorm) {
      shapes.set(TENSOR_NAMES.queryNorm(block), [headDim]);
      shapes.set(TENSOR_NAMES.keyNorm(block), [headDim]);
    }
    shapes.set(TENSOR_NAMES.ffnNorm(block), [hiddenSize]);
  }
  shapes.set(TENSOR_NAMES.finalNorm, [hiddenSize]);
  if (!model.tiedEmbeddings) shapes.set(TENSOR_NAMES.head, embeddingShape(model));
  return shapes;
}

/** Tensors that may be there without being needed: a head beside tied embeddings, which some exports repeat. */
export function optionalTensors(model: ModelDescription): ReadonlyMap<string, readonly number[]> {
  return new Map(model.tiedEmbeddings ? [[TENSOR_NAMES.head, embeddingShape(model)]] : []);
}

function embeddingShape({ vocabSize, hiddenSize }: ModelDescription): readonly number[] {
  return [vocabSize, hiddenSize];
}
