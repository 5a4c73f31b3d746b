/** Models without weights: what a preflight needs of them. */
import type { ExtraTensor, TensorDtype, TensorEntry } from '../../../main/engine/checkpoint/checkpoint.ts';
import { requiredTensors } from '../../../main/engine/checkpoint/required-tensors.ts';
import type { PlannedModel } from '../../../main/service/preflight/preflight-run.ts';
import type { ModelDescription } from '../../../shared/model.ts';

/** All its tensors in one dtype. */
export function plannedModel(model: ModelDescription, dtype: TensorDtype = 'F16'): PlannedModel {
  const entries = [...requiredTensors(model)].map(([name, shape]): [string, TensorEntry] => [
    name,
    { name, shape, dtype, file: 'model.safetensors' },
  ]);
  return { model, tensors: new Map(entries), extras: new Map<string, ExtraTensor>() };
}
