import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import { type ModelCard, type ModelId, type ModelSource, modelIdSchema } from '../../../shared/library.ts';
import type { KeptTensors } from '../../../shared/model-bytes.ts';
import { quantizedWeights } from '../../../shared/model.ts';
import type { Checkpoint } from '../../engine/checkpoint/checkpoint.ts';
import { GGUF_SUFFIX, openCheckpoint } from '../../engine/checkpoint/open-checkpoint.ts';
import { DEMO_MODEL } from '../bundled-texts.ts';
import { exists } from '../folder-contents.ts';
import type { Store, StoredModel } from '../store/store.ts';
import type { Changes } from './changes.ts';

/** What the bundled model is called in the library. */
export const DEMO_NAME = 'Demo model';

/** The models that the user has added. Their weights stay in their folders. */
export class ModelLibrary {
  readonly #store: Store;
  readonly #changes: Changes;

  constructor(store: Store, changes: Changes) {
    this.#store = store;
    this.#changes = changes;
  }

  async list(): Promise<ModelCard[]> {
    return await Promise.all(this.#store.models.list().map(withPresence));
  }

  /** Throws ClaqError library/not-found. */
  async get(id: ModelId): Promise<ModelCard> {
    return await withPresence(this.stored(id));
  }

  /** Without a look at the disk. Throws ClaqError library/not-found. */
  stored(id: ModelId): StoredModel {
    const model = this.#store.models.get(id);
    if (model === undefined) throw notFound('model', id);
    return model;
  }

  /** Throws ClaqError library/not-found, and what openCheckpoint throws. */
  async kept(id: ModelId): Promise<KeptTensors> {
    const { keptTensors } = await import('../../engine/packed-model/packed-layout.ts');
    const checkpoint = await openCheckpoint(this.stored(id).folder);
    try {
      return keptTensors(checkpoint);
    } finally {
      await checkpoint.close();
    }
  }

  /**
   * Reads the model's description, not its weights. Throws what openCheckpoint throws.
   * @param folder a folder or a GGUF file
   */
  async add(folder: string, source: ModelSource = { kind: 'folder' }, name?: string): Promise<ModelCard> {
    const asked = resolve(folder);
    const known = this.#store.models.byFolder(asked);
    if (known !== undefined) return await withPresence(known);
    const checkpoint = await openCheckpoint(asked);
    try {
      // Of a folder with nothing but a GGUF file, that file.
      const { path } = checkpoint;
      const id = this.#store.models.insert({
        name: name ?? basename(path, GGUF_SUFFIX),
        folder: path,
        source,
        addedAt: new Date().toISOString(),
        description: checkpoint.model,
        parameters: parametersOf(checkpoint),
        quantizedWeights: quantizedWeights(checkpoint.model),
        bytes: await shardBytes(checkpoint),
        dtype: mostOf(checkpoint),
        quantized: checkpoint.quantized ?? null,
      });
      this.#changes.announce('models');
      return await this.get(modelIdSchema.parse(id));
    } finally {
      await checkpoint.close();
    }
  }

  async addDemo(): Promise<ModelCard> {
    return await this.add(DEMO_MODEL, { kind: 'demo' }, DEMO_NAME);
  }

  /** Takes it and all about it out of the library; no file is touched. */
  remove(id: ModelId): void {
    this.#store.models.remove(id);
    this.#changes.announce('models');
    this.#changes.announce('runs');
  }
}

export function notFound(what: 'model' | 'run' | 'export', id: number): ClaqError {
  return new ClaqError('library/not-found', `The library has no such ${what}`, {
    found: `number ${id}`,
    remedy: 'it may have been removed in another window: look at the list again',
  });
}

async function withPresence(model: StoredModel): Promise<ModelCard> {
  const { folder } = model;
  const file = folder.endsWith(GGUF_SUFFIX) ? folder : join(folder, 'config.json');
  return { ...model, missing: !(await exists(file)) };
}

function parametersOf({ tensors, extras }: Checkpoint): number {
  const count = ({ shape }: { readonly shape: readonly number[] }): number =>
    shape.reduce((product, size) => product * size, 1);
  return [...tensors.values(), ...extras.values()].reduce((sum, entry) => sum + count(entry), 0);
}

async function shardBytes({ folder, shards }: Checkpoint): Promise<number> {
  const sizes = await Promise.all(shards.map(async ({ file }) => (await stat(join(folder, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The dtype of most values. */
function mostOf({ tensors }: Checkpoint): string {
  const values = new Map<string, number>();
  for (const { dtype, shape } of tensors.values()) {
    values.set(dtype, (values.get(dtype) ?? 0) + shape.reduce((product, size) => product * size, 1));
  }
  return [...values].reduce((best, each) => (each[1] > best[1] ? each : best), ['', 0])[0];
}
