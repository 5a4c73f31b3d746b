/** What a run will write, known from shapes and budget before it starts. */
import type { DenseDtypeName } from '../../shared/exports.ts';
import { MATRIX_KINDS, matrixName } from '../../shared/model.ts';
import { plannedPackedBytes } from '../../shared/planned-bytes.ts';
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { bytesPerElement, type StoredDtype } from '../engine/checkpoint/safetensors-dtype.ts';
import type { MethodSettings } from '../engine/claq/quantize-group.ts';
import { targetDtype } from '../engine/export/dense-tensors.ts';
import { ENGINE_DTYPES } from './export-formats.ts';

/** Room for run.json, headers and copied tokenizer files, beside the weights. */
export const SPARE_BYTES = 64 * 2 ** 20;

/**
 * Bytes of the run folder: the matrices, and the dense export where there is one.
 * @param exportDtype undefined for no export
 */
export function plannedFolderBytes(
  checkpoint: Checkpoint,
  settings: MethodSettings,
  exportDtype: DenseDtypeName | undefined,
): number {
  const dense = exportDtype === undefined ? 0 : plannedDenseBytes(checkpoint, exportDtype);
  return plannedPackedBytes(checkpoint.model, settings) + dense + SPARE_BYTES;
}

/** Bytes of the exported tensors: the model's own in the dtype asked for, and those it does not use as they are. */
export function plannedDenseBytes(
  { tensors, extras }: Pick<Checkpoint, 'tensors' | 'extras'>,
  exportDtype: DenseDtypeName,
): number {
  let bytes = 0;
  for (const entry of tensors.values()) {
    bytes += tensorBytes(targetDtype(entry, ENGINE_DTYPES[exportDtype]), entry.shape);
  }
  for (const { dtype, shape } of extras.values()) bytes += tensorBytes(dtype, shape);
  return bytes;
}

/** Bytes of the quantized matrices in the source model. */
export function sourceBytes({ model, tensors }: Pick<Checkpoint, 'model' | 'tensors'>): number {
  let bytes = 0;
  for (let block = 0; block < model.blocks; block++) {
    for (const kind of MATRIX_KINDS) {
      const entry = tensors.get(`${matrixName(block, kind)}.weight`);
      if (entry !== undefined) bytes += tensorBytes(entry.dtype, entry.shape);
    }
  }
  return bytes;
}

function tensorBytes(dtype: StoredDtype, shape: readonly number[]): number {
  return bytesPerElement(dtype) * shape.reduce((product, size) => product * size, 1);
}
