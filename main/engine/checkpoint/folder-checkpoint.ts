/** Opens a Hugging Face model folder: everything that the model needs is checked to be there before anything is computed. */
import { join, resolve } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import { TENSOR_NAMES } from '../../../shared/model.ts';
import type { ModelDescription } from '../../../shared/model.ts';
import type { Checkpoint, CompanionFiles, ExtraTensor, Shard, TensorEntry } from './checkpoint.ts';
import { CONFIG_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, folderCompanions } from './companion-files.ts';
import { parseConfig } from './config.ts';
import { findWeights, readConfigText } from './model-folder.ts';
import type { WeightFiles } from './model-folder.ts';
import { optionalTensors, requiredTensors } from './required-tensors.ts';
import { isFloatDtype, shapeText } from './safetensors-dtype.ts';
import { openSafetensors } from './safetensors-file.ts';
import type { SafetensorsFile } from './safetensors-file.ts';
import type { SafetensorsHeader } from './safetensors-header.ts';

/**
 * Opens the folder for reading; the caller closes it. Reads config.json and the headers of the shards, no weights.
 * @throws ClaqError model/*, weights/missing-file, weights/missing-tensor, weights/wrong-shape, weights/unsupported-dtype,
 * weights/pickled, weights/lfs-pointer or weights/malformed.
 */
export async function openFolder(folder: string): Promise<Checkpoint> {
  const path = resolve(folder);
  const model = parseConfig(await readConfigText(path), join(path, CONFIG_FILE));
  const companions = await folderCompanions(path);
  const weights = await findWeights(path);
  const files = new Map<string, SafetensorsFile>();
  try {
    for (const shard of weights.shards) files.set(shard, await openSafetensors(join(path, shard)));
    const sorted = sortTensors(path, model, weights, files);
    return new FolderCheckpoint({
      folder: path,
      model,
      companions,
      files,
      sorted,
      sharded: weights.weightMap !== undefined,
    });
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

export interface SortedTensors {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly extras: ReadonlyMap<string, ExtraTensor>;
}

interface CheckpointParts {
  readonly folder: string;
  readonly model: ModelDescription;
  readonly companions: CompanionFiles;
  readonly files: ReadonlyMap<string, SafetensorsFile>;
  readonly sorted: SortedTensors;
  readonly sharded: boolean;
}

/** Files beside the weights that a result depends on, as far as a model has them. */
const DESCRIBING = [CONFIG_FILE, TOKENIZER_FILE, TOKENIZER_CONFIG_FILE];

class FolderCheckpoint implements Checkpoint {
  readonly path: string;
  readonly folder: string;
  readonly model: ModelDescription;
  readonly companions: CompanionFiles;
  readonly quantized = undefined;
  readonly sourceFiles: readonly string[];
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly extras: ReadonlyMap<string, ExtraTensor>;
  readonly shards: readonly Shard[];
  readonly sharded: boolean;
  readonly #files: ReadonlyMap<string, SafetensorsFile>;

  constructor({ folder, model, companions, files, sorted, sharded }: CheckpointParts) {
    this.path = folder;
    this.folder = folder;
    this.model = model;
    this.companions = companions;
    this.sourceFiles = [...DESCRIBING.filter((name) => companions.names.includes(name)), ...files.keys()];
    this.tensors = sorted.tensors;
    this.extras = sorted.extras;
    this.shards = [...files].map(([file, { header }]) => ({ file, names: [...header.tensors.keys()] }));
    this.sharded = sharded;
    this.#files = files;
  }

  async read(name: string): Promise<Float32Array> {
    return await this.#file(name).readFloats(name);
  }

  async readRows(name: string, from: number, to: number): Promise<Float32Array> {
    return await this.#file(name).readRows(name, from, to);
  }

  async readBytes(name: string, from: number, to: number): Promise<Uint8Array> {
    return await this.#file(name).readBytes(name, from, to);
  }

  async readInto(name: string, target: Uint8Array): Promise<void> {
    await this.#file(name).readInto(name, target);
  }

  async close(): Promise<void> {
    await closeAll(this.#files);
  }

  #file(name: string): SafetensorsFile {
    const shard = (this.tensors.get(name) ?? this.extras.get(name))?.file;
    const file = shard === undefined ? undefined : this.#files.get(shard);
    if (file === undefined)
      throw new ClaqError('weights/missing-tensor', `The model has no tensor ${name}`, {
        where: this.folder,
      });
    return file;
  }
}

/** What a shard holds, by name. */
export type ShardTensors = ReadonlyMap<string, { readonly header: Pick<SafetensorsHeader, 'tensors'> }>;

/**
 * Merges the shards and sorts what they hold into what the model needs and what it does not. Throws ClaqError weights/malformed,
 * weights/missing-tensor, weights/wrong-shape, weights/unsupported-dtype.
 */
export function sortTensors(
  folder: string,
  model: ModelDescription,
  { weightMap }: Pick<WeightFiles, 'weightMap'>,
  files: ShardTensors,
): SortedTensors {
  const stored = mergeShards(folder, weightMap, files);
  const required = requiredTensors(model);
  const missing = [...required.keys()].filter((name) => !stored.has(name));
  const [firstMissing] = missing;
  if (firstMissing !== undefined) throw missingTensor(folder, model, firstMissing, missing.length, stored);

  const tensors = new Map<string, TensorEntry>();
  for (const [name, shape] of [...required, ...optionalTensors(model)]) {
    const tensor = stored.get(name);
    if (tensor !== undefined) tensors.set(name, checkedEntry(folder, tensor, shape));
  }
  const extras = new Map([...stored].filter(([name]) => !tensors.has(name)));
  return { tensors, extras };
}

/** All tensors of all shards. No tensor may stand in two shards, and each must be where the index says. */
function mergeShards(
  folder: string,
  weightMap: WeightFiles['weightMap'],
  files: ShardTensors,
): ReadonlyMap<string, ExtraTensor> {
  const stored = new Map<string, ExtraTensor>();
  for (const [file, { header }] of files) {
    for (const { name, dtype, shape } of header.tensors.values()) {
      const other = stored.get(name);
      if (other !== undefined) {
        throw new ClaqError('weights/malformed', `The tensor ${name} stands in two weights files`, {
          where: folder,
          expected: 'every tensor once',
          found: `${other.file} and ${file}`,
          remedy: 'remove weights files that belong to another download',
        });
      }
      stored.set(name, { name, dtype, shape, file });
    }
  }
  for (const [name, file] of weightMap ?? []) {
    const found = stored.get(name)?.file;
    if (found === file) continue;
    throw new ClaqError(
      'weights/missing-tensor',
      `The tensor ${name} is not in the file that the index names`,
      {
        where: join(folder, file),
        expected: `${name} in ${file}`,
        found: found === undefined ? 'no file has it' : `it in ${found}`,
        remedy: 'download the index and the shards again: they do not belong together',
      },
    );
  }
  return stored;
}

function checkedEntry(
  folder: string,
  { name, dtype, shape, file }: ExtraTensor,
  expected: readonly number[],
): TensorEntry {
  const where = `${join(folder, file)}, tensor ${name}`;
  if (shape.length !== expected.length || shape.some((size, axis) => size !== expected[axis])) {
    throw new ClaqError(
      'weights/wrong-shape',
      `The tensor ${name} does not have the shape that config.json asks for`,
      {
        where,
        expected: shapeText(expected),
        found: shapeText(shape),
        remedy: 'check that config.json and the weights belong to the same model',
      },
    );
  }
  if (!isFloatDtype(dtype)) {
    throw new ClaqError(
      'weights/unsupported-dtype',
      `The tensor ${name} is stored in a dtype that is not supported`,
      {
        where,
        expected: 'F32, F16 or BF16',
        found: dtype,
        remedy: 'start from the original model with float16, bfloat16 or float32 weights',
      },
    );
  }
  return { name, dtype, shape, file };
}

function missingTensor(
  folder: string,
  model: ModelDescription,
  name: string,
  count: number,
  stored: ReadonlyMap<string, ExtraTensor>,
): ClaqError {
  const untied = name === TENSOR_NAMES.head ? ' (config.json does not say tie_word_embeddings: true)' : '';
  const others = count === 1 ? '' : `; ${count} of ${requiredTensors(model).size} tensors are missing`;
  return new ClaqError('weights/missing-tensor', `The weights lack the tensor ${name}${untied}`, {
    where: folder,
    expected: name,
    found: `${stored.size} tensors without it${others}`,
    remedy:
      'download the model completely, and check that config.json and the weights belong to the same model',
  });
}

async function closeAll(files: ReadonlyMap<string, SafetensorsFile>): Promise<void> {
  for (const file of files.values()) await file.close();
}
