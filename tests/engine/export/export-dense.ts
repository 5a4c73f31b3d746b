import { type DenseExport, denseFormat } from '../../../main/engine/export/dense.ts';
import type { CheckHooks, TensorReport } from '../../../main/engine/export/export-format.ts';
import { exportModel } from '../../../main/engine/export/export-model.ts';

export interface DenseRequest extends DenseExport, CheckHooks {
  readonly outFolder: string;
}

/** A dense export whose perplexity nobody asks for. */
export async function exportDense({
  outFolder,
  onProgress,
  signal,
  ...dense
}: DenseRequest): Promise<TensorReport> {
  const { tensors, bytes, maxRounding } = await exportModel({
    format: denseFormat(dense),
    outFolder,
    identity: 'a test',
    comparePerplexity: () => Promise.resolve(undefined),
    card: () => '',
    onProgress,
    signal,
  });
  return { tensors, bytes, maxRounding };
}
