import { ClaqError } from '../../../shared/errors.ts';
import type { ModelDescription } from '../../../shared/model.ts';
import type {
  Checkpoint,
  CompanionFiles,
  ExtraTensor,
  Shard,
  TensorEntry,
} from '../checkpoint/checkpoint.ts';
import { CONFIG_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from '../checkpoint/companion-files.ts';
import { encodeFloats, firstNotFinite } from '../checkpoint/half-precision.ts';
import { bytesPerElement } from '../checkpoint/safetensors-dtype.ts';
import type { StoredTensor } from '../checkpoint/safetensors-header.ts';
import { notFiniteWeights } from '../checkpoint/stored-floats.ts';
import { type QuantizedMatrix, dequantize } from '../claq/quantized-matrix.ts';
import type { PackedDescription } from './packed-config.ts';
import { EXPORT_AGAIN, type PackedFile } from './packed-file.ts';
import { type PlacedMatrix, readStoredMatrix } from './stored-matrices.ts';

export interface PackedParts {
  readonly folder: string;
  readonly model: ModelDescription;
  readonly claq: PackedDescription;
  readonly companions: CompanionFiles;
  /** The source's config.json. */
  readonly configText: string;
  readonly files: ReadonlyMap<string, PackedFile>;
  /** By the names of their tensors in the dense model. */
  readonly matrices: ReadonlyMap<string, PlacedMatrix>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly extras: ReadonlyMap<string, ExtraTensor>;
  readonly shards: readonly Shard[];
  readonly sharded: boolean;
}

/** A packed model, read as a dense one. Use `openPacked`. */
export class PackedCheckpoint implements Checkpoint {
  readonly path: string;
  readonly folder: string;
  readonly model: ModelDescription;
  readonly companions: CompanionFiles;
  readonly quantized = { format: 'packed' } as const;
  readonly sourceFiles: readonly string[];
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly extras: ReadonlyMap<string, ExtraTensor>;
  readonly shards: readonly Shard[];
  readonly sharded: boolean;
  readonly claq: PackedDescription;
  readonly #files: ReadonlyMap<string, PackedFile>;
  readonly #matrices: ReadonlyMap<string, PlacedMatrix>;
  /** A matrix that is being read in pieces: decoded once, not once a piece. Let go with its last piece. */
  #inPieces: { readonly name: string; readonly weights: Float32Array } | undefined;

  constructor(parts: PackedParts) {
    const { folder, companions, files } = parts;
    this.path = folder;
    this.folder = folder;
    this.model = parts.model;
    this.companions = withConfig(companions, parts.configText);
    const describing = [CONFIG_FILE, TOKENIZER_FILE, TOKENIZER_CONFIG_FILE];
    this.sourceFiles = [...describing.filter((name) => companions.names.includes(name)), ...files.keys()];
    this.tensors = parts.tensors;
    this.extras = parts.extras;
    this.shards = parts.shards;
    this.sharded = parts.sharded;
    this.claq = parts.claq;
    this.#files = files;
    this.#matrices = parts.matrices;
  }

  /** The weights files as they are, arrays of matrices by themselves, without the checksums. */
  storedShards(): { file: string; tensors: Pick<StoredTensor, 'name' | 'dtype' | 'shape'>[] }[] {
    return [...this.#files].map(([file, { tensors }]) => ({
      file,
      tensors: [...tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    }));
  }

  /** Bytes [from, to) of what a shard holds under this name, decoded or not. */
  async readStored(shard: string, name: string, from: number, to: number): Promise<Uint8Array> {
    const file = this.#files.get(shard);
    if (file === undefined) throw new RangeError(`no file ${shard}`);
    return await (await file.intact(name)).readBytes(name, from, to);
  }

  /** A matrix as codes and codebooks; undefined for a tensor that is stored as it is. Throws ClaqError weights/malformed. */
  async readQuantized(name: string): Promise<QuantizedMatrix | undefined> {
    const matrix = this.#matrices.get(name);
    return matrix === undefined ? undefined : await readStoredMatrix(matrix);
  }

  async read(name: string): Promise<Float32Array> {
    const matrix = this.#matrices.get(name);
    if (matrix === undefined) return await (await this.#file(name).intact(name)).readFloats(name);
    const weights = dequantize(await readStoredMatrix(matrix));
    const bad = firstNotFinite(weights);
    if (bad >= 0) throw notFinite(matrix, bad, weights[bad]);
    return weights;
  }

  async readRows(name: string, from: number, to: number): Promise<Float32Array> {
    const matrix = this.#matrices.get(name);
    if (matrix === undefined) return await (await this.#file(name).intact(name)).readRows(name, from, to);
    const { rows, columns } = matrix.described;
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= rows)) {
      throw new RangeError(`rows [${from}, ${to}) of ${name}, which has ${rows}`);
    }
    return (await this.#pieces(name, to === rows)).slice(from * columns, to * columns);
  }

  async readBytes(name: string, from: number, to: number): Promise<Uint8Array> {
    const entry = this.#matrices.has(name) ? this.tensors.get(name) : undefined;
    if (entry === undefined) return await (await this.#file(name).intact(name)).readBytes(name, from, to);
    const width = bytesPerElement(entry.dtype);
    const total = width * entry.shape.reduce((product, size) => product * size, 1);
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= total)) {
      throw new RangeError(`bytes [${from}, ${to}) of ${name}, which has ${total}`);
    }
    const first = Math.floor(from / width);
    const values = (await this.#pieces(name, to === total)).subarray(first, Math.ceil(to / width));
    return encodeFloats(entry.dtype, values).slice(from - first * width, to - first * width);
  }

  async readInto(name: string, target: Uint8Array): Promise<void> {
    const entry = this.#matrices.has(name) ? this.tensors.get(name) : undefined;
    if (entry === undefined) {
      await (await this.#file(name).intact(name)).readInto(name, target);
      return;
    }
    const bytes = encodeFloats(entry.dtype, await this.read(name));
    if (target.length !== bytes.length) {
      throw new RangeError(`room for ${target.length} bytes of ${name}, which has ${bytes.length}`);
    }
    target.set(bytes);
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }

  /** @param isLast whether the caller takes the last piece now */
  async #pieces(name: string, isLast: boolean): Promise<Float32Array> {
    const weights = this.#inPieces?.name === name ? this.#inPieces.weights : await this.read(name);
    this.#inPieces = isLast ? undefined : { name, weights };
    return weights;
  }

  #file(name: string): PackedFile {
    const shard = (this.tensors.get(name) ?? this.extras.get(name))?.file;
    const file = shard === undefined ? undefined : this.#files.get(shard);
    if (file !== undefined) return file;
    throw new ClaqError('weights/missing-tensor', `The model has no tensor ${name}`, { where: this.folder });
  }
}

/** The folder's files with the source's config.json in the place of the packed model's. */
function withConfig(companions: CompanionFiles, text: string): CompanionFiles {
  return {
    names: companions.names,
    read: (name) =>
      name === CONFIG_FILE ? Promise.resolve(new TextEncoder().encode(text)) : companions.read(name),
  };
}

function notFinite(
  { name, described, file }: PlacedMatrix,
  index: number,
  value: number | undefined,
): ClaqError {
  const matrix = { name, shape: [described.rows, described.columns] };
  return notFiniteWeights(matrix, `${file.path}, matrix ${name}`, index, value, EXPORT_AGAIN);
}
