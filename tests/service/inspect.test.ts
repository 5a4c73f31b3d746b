import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inspectModel } from '../../main/service/inspect.ts';
import { temporaryFolder } from '../engine/checkpoint/temporary-folder.ts';
import { writeTinyModel } from './tiny-model.ts';

const DEMO_MODEL = fileURLToPath(new URL('../../resources/demo-model/model', import.meta.url));

describe('inspectModel', () => {
  it('looks at every S asked for and shows the matrix with the most outliers', async () => {
    const { inspection, outlierS, shown } = await inspectModel({
      model: DEMO_MODEL,
      sValues: [7],
      outlierS: 5,
    });
    expect([inspection.sValues, outlierS]).toEqual([[5, 7], 5]);
    expect(inspection.matrices).toHaveLength(42);
    expect([shown.name, shown.levels[0]?.outliers]).toEqual(['model.layers.3.self_attn.k_proj', 85]);
  });

  it('shows the matrix asked for', async () => {
    const { shown } = await inspectModel({ model: DEMO_MODEL, block: 1, matrix: 'gate' });
    expect(shown.name).toBe('model.layers.1.mlp.gate_proj');
  });

  it('names the tensors that the model does not use', async () => {
    const unused = 'model.layers.0.self_attn.rotary_emb.inv_freq';
    const model = await writeTinyModel(await temporaryFolder(), {
      change: (tensors) => [
        ...tensors,
        { name: unused, dtype: 'F32', shape: [32], bytes: new Uint8Array(4 * 32) },
      ],
    });
    expect((await inspectModel({ model })).unused).toEqual([unused]);
    expect((await inspectModel({ model: DEMO_MODEL })).unused).toEqual([]);
  });

  it('refuses a layer that the model does not have', async () => {
    await expect(inspectModel({ model: DEMO_MODEL, block: 6 })).rejects.toMatchObject({
      code: 'request/invalid',
      expected: 'a layer from 0 to 5',
      found: 'layer 6',
    });
  });
});
