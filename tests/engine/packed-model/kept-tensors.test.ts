import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { openSafetensors } from '../../../main/engine/checkpoint/safetensors-file.ts';
import { keptTensors } from '../../../main/engine/packed-model/packed-layout.ts';
import { previewBudget } from '../../../shared/budget-preview.ts';
import { budgetOfBits, planByOrder } from '../../../shared/budget.ts';
import { budgetChoicesSchema } from '../../../shared/requests.ts';
import { shardName, writeSmallModel } from '../checkpoint/small-model.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { quickMatrix, quickRun } from './quick-run.ts';
import { writePacked } from './packed-folder.ts';

it('are what the preview needs for the size of a packed model in several files, to the byte', async () => {
  const work = await temporaryFolder();
  const checkpoint = await openCheckpoint(await writeSmallModel(join(work, 'model'), { shards: 3 }));
  const kept = keptTensors(checkpoint);
  // Embeddings and head of 11 x 8, two norms a block and the last one, of 8 each, in float16.
  expect(kept).toEqual({ bytes: 2 * (2 * 88 + 5 * 8), tensors: 7, files: 3 });

  const budget = budgetOfBits(2.12);
  const request = await quickRun(checkpoint, join(work, 'matrices'), (weights, shape) => {
    const order = Int32Array.from({ length: shape.columns }, (_, column) => column);
    const { widths, reservedLow, reservedHigh } = planByOrder(order, shape.rows, budget);
    const reserved = reservedLow.map((low, column) => low + (reservedHigh[column] ?? 0));
    return quickMatrix(weights, shape, { widths, reserved });
  });
  await writePacked(request, join(work, 'packed'));
  let stored = 0;
  for (const shard of [0, 1, 2]) {
    const file = await openSafetensors(join(work, 'packed', shardName(shard, 3)));
    stored += file.header.tensors.values().reduce((sum, { bytes }) => sum + bytes, 0);
    await file.close();
  }
  const choices = budgetChoicesSchema.parse({ budget: { bits: 2.12 }, columnOrder: 'outlier' });
  expect(previewBudget(checkpoint.model, 'F16', choices, kept).packedModelBytes).toBe(stored);
});
