/** What a run puts on the disk, in bytes, foretold from a model's description. */
import { columnClasses, packedBytes, totalBytes } from '../shared/bits.ts';
import { type Budget, planByOrder } from '../shared/budget.ts';
import { MATRIX_KINDS, type ModelDescription, matrixShape, quantizedWeights } from '../shared/model.ts';

const HALF_BYTES = 2;

/** Bytes of a model's weights in half precision. */
export function modelBytes(model: ModelDescription): number {
  const tables = model.tiedEmbeddings ? 1 : 2;
  const norms = model.hiddenSize * (2 * model.blocks + 1);
  return HALF_BYTES * (quantizedWeights(model) + tables * model.vocabSize * model.hiddenSize + norms);
}

/** Bytes of the packed matrices: the same under any order of the columns. */
export function packedModelBytes(model: ModelDescription, budget: Budget): number {
  const ofBlock = MATRIX_KINDS.reduce((sum, kind) => {
    const shape = matrixShape(model, kind);
    const anyOrder = Int32Array.from({ length: shape.columns }, (_, column) => column);
    return sum + totalBytes(packedBytes(shape, columnClasses(planByOrder(anyOrder, shape.rows, budget))));
  }, 0);
  return model.blocks * ofBlock;
}
