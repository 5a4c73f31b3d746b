/** Opens a GGUF file as a model: names, order of rows and config as Hugging Face has them, codes decoded while they are read. */
import { basename, dirname, join, resolve } from 'node:path';
import { ClaqError } from '../../../../shared/errors.ts';
import type { QuantizedSource } from '../../../../shared/library.ts';
import type { ModelDescription } from '../../../../shared/model.ts';
import type { Checkpoint, CompanionFiles, ExtraTensor, Shard, TensorEntry } from '../checkpoint.ts';
import { CONFIG_FILE } from '../companion-files.ts';
import { parseConfig } from '../config.ts';
import { optionalTensors, requiredTensors } from '../required-tensors.ts';
import { elementCount, shapeText } from '../safetensors-dtype.ts';
import { malformedGguf, shortened, unsupportedGguf } from './gguf-errors.ts';
import { ggufCompanions } from './gguf-companions.ts';
import type { GgufFile } from './gguf-file.ts';
import type { GgufTensor } from './gguf-header.ts';
import type { GgufMetadata } from './gguf-metadata.ts';
import { architectureOf, configText } from './model-config.ts';
import { closeAll, openGgufParts } from './split-files.ts';
import { StoredTensor } from './stored-tensor.ts';
import { ROPE_DIVISORS, huggingFaceName, isPaired, isRepeated } from './tensor-names.ts';
import { hasTokenizer, tokenizerKind } from './tokenizer-metadata.ts';

/**
 * Opens the file for reading; the caller closes it. Reads the header, no weights.
 * @param path of a GGUF file; of one in parts, any of them
 * @throws ClaqError model/*, tokenizer/invalid for a kind of tokenizer that cannot be rebuilt, weights/missing-file,
 * weights/missing-tensor, weights/wrong-shape, weights/unsupported-dtype, weights/lfs-pointer or weights/malformed.
 */
export async function openGguf(path: string): Promise<Checkpoint> {
  const absolute = resolve(path);
  const files = await openGgufParts(absolute);
  try {
    return await describeFiles(absolute, files);
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

/** A tensor with the part that holds it. */
interface PlacedTensor {
  readonly file: GgufFile;
  readonly tensor: GgufTensor;
}

async function describeFiles(path: string, files: readonly GgufFile[]): Promise<Checkpoint> {
  const placed = mergeParts(path, files);
  const metadata = firstOf(path, files).header.metadata;
  const architecture = architectureOf(metadata);
  if (hasTokenizer(metadata)) tokenizerKind(metadata);
  const tensors = new Map([...placed].map(([name, { tensor }]) => [name, tensor]));
  const config = configText({ metadata, tensors, ropeFactors: await ropeFactors(placed) });
  const model = parseConfig(config, join(path, CONFIG_FILE));
  const stored = renamed(path, placed, architecture === 'llama' ? model.headDim : undefined);
  checkTensors(path, model, stored);
  return new GgufCheckpoint({ path, model, metadata, config, files, stored });
}

function firstOf(path: string, [first]: readonly GgufFile[]): GgufFile {
  if (first !== undefined) return first;
  throw new RangeError(`no file of ${path} is open`);
}

/** All tensors of all parts under the names of the file. */
function mergeParts(path: string, files: readonly GgufFile[]): ReadonlyMap<string, PlacedTensor> {
  const placed = new Map<string, PlacedTensor>();
  for (const file of files) {
    for (const [name, tensor] of file.header.tensors) {
      const other = placed.get(name);
      if (other !== undefined) {
        throw malformedGguf(path, 'A tensor stands in two parts of the GGUF file', {
          expected: 'every tensor once',
          found: `${shortened(name)} in ${basename(other.file.path)} and ${basename(file.path)}`,
        });
      }
      placed.set(name, { file, tensor });
    }
  }
  return placed;
}

async function ropeFactors(placed: ReadonlyMap<string, PlacedTensor>): Promise<Float32Array | undefined> {
  const factors = placed.get(ROPE_DIVISORS);
  return factors === undefined
    ? undefined
    : await new StoredTensor(ROPE_DIVISORS, factors.file, factors.tensor, undefined).read();
}

/**
 * The weights under Hugging Face's names, in the order of their bytes.
 * @param pairedHeadDim values a head where rows of q and k stand in llama.cpp's order
 */
function renamed(
  path: string,
  placed: ReadonlyMap<string, PlacedTensor>,
  pairedHeadDim: number | undefined,
): ReadonlyMap<string, StoredTensor> {
  const stored = new Map<string, StoredTensor>();
  for (const [name, { file, tensor }] of placed) {
    if (name === ROPE_DIVISORS || isRepeated(name)) continue;
    const named = huggingFaceName(name);
    if (named === undefined) throw foreignTensor(path, name);
    const headDim = isPaired(named) ? pairedHeadDim : undefined;
    stored.set(named.name, new StoredTensor(named.name, file, tensor, headDim));
  }
  return stored;
}

/** Everything that the model needs must be there in its shape, and nothing that would be left out of the computation. */
function checkTensors(
  path: string,
  model: ModelDescription,
  stored: ReadonlyMap<string, StoredTensor>,
): void {
  const known = new Map([...requiredTensors(model), ...optionalTensors(model)]);
  for (const [name, { source }] of stored) {
    const expected = known.get(name);
    if (expected === undefined) throw foreignTensor(path, source.name);
    if (shapeText(expected) === shapeText(source.shape)) continue;
    throw new ClaqError(
      'weights/wrong-shape',
      `The tensor ${source.name} does not have the shape that the metadata ask for`,
      {
        where: path,
        expected: shapeText(expected),
        found: shapeText(source.shape),
        remedy: 'download the file again; if it is the same, choose another conversion of the model',
      },
    );
  }
  const missing = [...requiredTensors(model).keys()].filter((name) => !stored.has(name));
  const [first] = missing;
  if (first === undefined) return;
  throw new ClaqError('weights/missing-tensor', `The weights lack the tensor ${first}`, {
    where: path,
    expected: first,
    found: `${stored.size} tensors without it; ${missing.length} of ${requiredTensors(model).size} are missing`,
    remedy: 'download the file again; if it is the same, choose another conversion of the model',
  });
}

function foreignTensor(path: string, name: string): ClaqError {
  return unsupportedGguf(path, 'The GGUF file holds a tensor that the models computed here do not have', {
    expected: 'the tensors of a LLaMA, Qwen2 or Qwen3 model',
    found: shortened(name),
  });
}

interface CheckpointParts {
  readonly path: string;
  readonly model: ModelDescription;
  readonly metadata: GgufMetadata;
  readonly config: string;
  readonly files: readonly GgufFile[];
  readonly stored: ReadonlyMap<string, StoredTensor>;
}

class GgufCheckpoint implements Checkpoint {
  readonly path: string;
  readonly folder: string;
  readonly model: ModelDescription;
  readonly companions: CompanionFiles;
  readonly quantized: QuantizedSource | undefined;
  readonly sourceFiles: readonly string[];
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly extras: ReadonlyMap<string, ExtraTensor> = new Map();
  readonly shards: readonly Shard[];
  readonly sharded = false;
  readonly #files: readonly GgufFile[];
  readonly #stored: ReadonlyMap<string, StoredTensor>;

  constructor({ path, model, metadata, config, files, stored }: CheckpointParts) {
    this.path = path;
    this.folder = dirname(path);
    this.model = model;
    this.companions = ggufCompanions(metadata, config, model.contextLength);
    this.quantized = quantizedSource([...stored.values()]);
    this.sourceFiles = files.map((file) => basename(file.path));
    this.tensors = new Map(
      [...requiredTensors(model).keys()].flatMap((name) => {
        const tensor = stored.get(name);
        return tensor === undefined ? [] : [[name, entryOf(tensor)] as const];
      }),
    );
    this.shards = files.map((file) => ({
      file: basename(file.path),
      names: [...stored.values()].filter((tensor) => tensor.file === file).map(({ name }) => name),
    }));
    this.#files = files;
    this.#stored = stored;
  }

  async read(name: string): Promise<Float32Array> {
    return await this.#tensor(name).read();
  }

  async readRows(name: string, from: number, to: number): Promise<Float32Array> {
    return await this.#tensor(name).readRows(from, to);
  }

  async readBytes(name: string, from: number, to: number): Promise<Uint8Array> {
    return await this.#tensor(name).readBytes(from, to);
  }

  async readInto(name: string, target: Uint8Array): Promise<void> {
    await this.#tensor(name).readInto(target);
  }

  async close(): Promise<void> {
    await closeAll(this.#files);
  }

  #tensor(name: string): StoredTensor {
    const tensor = this.#stored.get(name);
    if (tensor !== undefined) return tensor;
    throw new ClaqError('weights/missing-tensor', `The model has no tensor ${name}`, { where: this.path });
  }
}

/** Codes are read as F32; a dense copy of them in F16 loses less than they have lost already. */
function entryOf({ name, dtype, source, file }: StoredTensor): TensorEntry {
  const entry = { name, dtype, shape: source.shape, file: basename(file.path) };
  return source.type.dtype === undefined ? { ...entry, sourceDtype: 'F16' } : entry;
}

/** Undefined where no matrix is stored in codes. */
function quantizedSource(tensors: readonly StoredTensor[]): QuantizedSource | undefined {
  const matrices = tensors.map(({ source }) => source).filter(({ shape }) => shape.length === 2);
  if (matrices.every(({ type }) => type.dtype !== undefined)) return undefined;
  const weights = new Map<string, number>();
  for (const { type, shape } of matrices) {
    weights.set(type.name, (weights.get(type.name) ?? 0) + (elementCount(shape) ?? 0));
  }
  const types = [...weights].sort(([, a], [, b]) => b - a).map(([name]) => name);
  return { format: 'gguf', types };
}
