/** A library with one model of the shape of Llama 2 7B, 224 matrices with 1.1 million columns, of which all columns are known. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { filesKey } from '../main/service/statistics/files-key.ts';
import { openStore } from '../main/service/store/store.ts';
import type { ModelId } from '../shared/library.ts';
import { matrixName } from '../shared/model.ts';
import { LLAMA_7B } from '../tests/known-models.ts';
import { syntheticDescription, writeHollowModel } from './synthetic-model.ts';
import { fillStatistics, insertModel } from './synthetic-statistics.ts';

const LIBRARY_FILE = 'library.sqlite';
/** The matrix whose entries can be looked at. */
export const FILLED = { block: 3, kind: 'q' } as const;

/** Fills an empty folder with what `claq serve --data` wants. */
export async function fillLibrary(dataFolder: string): Promise<ModelId> {
  const folder = join(dataFolder, 'weights');
  await mkdir(folder);
  await writeHollowModel(folder, LLAMA_7B, matrixName(FILLED.block, FILLED.kind));
  const description = syntheticDescription(LLAMA_7B);
  const store = openStore(join(dataFolder, LIBRARY_FILE));
  try {
    const modelId = insertModel(store, folder, description);
    fillStatistics(store, { modelId, filesKey: await filesKey(folder) }, description);
    return modelId;
  } finally {
    store.close();
  }
}
