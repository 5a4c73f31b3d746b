/** What a run will write, known from shapes and budget before it starts. */
import { columnClasses, packedBytes, packedGridBytes, totalBytes } from '../../shared/bits.ts';
import { authorsTails, exactTails, planByOrder } from '../../shared/budget.ts';
import { MATRIX_KINDS, type ModelDescription, matrixShape } from '../../shared/model.ts';
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { bytesPerElement } from '../engine/checkpoint/safetensors-dtype.ts';
import type { MethodSettings } from '../engine/claq/quantize-group.ts';

/** Room for run.json, headers and copied tokenizer files, beside the weights. */
const SPARE_BYTES = 64 * 2 ** 20;

/** Packed bytes of all matrices under the plan of any order; the choice by benefit spends at most as much. */
export function plannedPackedBytes(model: ModelDescription, settings: MethodSettings): number {
  const { method, budget, groupSize } = settings;
  const tails = method === 'reference' ? authorsTails : exactTails;
  const bytes = MATRIX_KINDS.map((kind) => {
    const shape = matrixShape(model, kind);
    if (method === 'gptq' || method === 'rtn') {
      return totalBytes(packedGridBytes(shape, budget.precision.average, groupSize ?? shape.columns));
    }
    const anyOrder = Int32Array.from({ length: shape.columns }, (_, column) => column);
    return totalBytes(packedBytes(shape, columnClasses(planByOrder(anyOrder, shape.rows, budget, tails))));
  });
  return model.blocks * bytes.reduce((sum, each) => sum + each, 0);
}

/** Bytes of the run folder: the matrices, and the dense export where there is one (at most four bytes a weight). */
export function plannedFolderBytes(checkpoint: Checkpoint, settings: MethodSettings, dense: boolean): number {
  let denseBytes = 0;
  if (dense) {
    for (const { dtype, shape } of checkpoint.tensors.values()) {
      denseBytes += bytesPerElement(dtype) * shape.reduce((product, size) => product * size, 1);
    }
  }
  return plannedPackedBytes(checkpoint.model, settings) + denseBytes + SPARE_BYTES;
}
