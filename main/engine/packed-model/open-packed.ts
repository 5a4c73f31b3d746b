/** Opens a packed model as if it were dense: its matrices are decoded when they are read. */
import { join, resolve } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import { MATRIX_KINDS, TENSOR_NAMES, matrixName, matrixShape } from '../../../shared/model.ts';
import type { ModelDescription } from '../../../shared/model.ts';
import type { TensorEntry } from '../checkpoint/checkpoint.ts';
import { CONFIG_FILE, folderCompanions } from '../checkpoint/companion-files.ts';
import { parseConfig } from '../checkpoint/config.ts';
import { type SortedTensors, sortTensors } from '../checkpoint/folder-checkpoint.ts';
import { findWeights, readConfigText } from '../checkpoint/model-folder.ts';
import { type FloatDtype, bytesPerElement, shapeText } from '../checkpoint/safetensors-dtype.ts';
import type { StoredTensor } from '../checkpoint/safetensors-header.ts';
import { arrayName } from './matrix-arrays.ts';
import { PackedCheckpoint } from './packed-checkpoint.ts';
import { type DescribedMatrix, type PackedDescription, readPackedConfig } from './packed-config.ts';
import { type PackedFile, malformed, openPackedFile } from './packed-file.ts';
import { type PlacedMatrix, placeMatrix, weightCount } from './stored-matrices.ts';

/**
 * Opens the folder for reading; the caller closes it. Checks config.json, the headers of the weights files with their checksums, and
 * the size of every array; a tensor's own checksum when it is read.
 * @throws ClaqError model/*, weights/missing-file, weights/missing-tensor, weights/wrong-shape, weights/unsupported-dtype,
 * weights/malformed
 */
export async function openPacked(folder: string): Promise<PackedCheckpoint> {
  const path = resolve(folder);
  const configFile = join(path, CONFIG_FILE);
  const { source, claq } = readPackedConfig(await readConfigText(path), configFile);
  const model = parseConfig(source, configFile);
  requireMatricesOf(model, claq, configFile);
  const companions = await folderCompanions(path);
  const weights = await findWeights(path);
  const files = new Map<string, PackedFile>();
  try {
    for (const shard of weights.shards) files.set(shard, await openPackedFile(join(path, shard)));
    const matrices = new Map<string, PlacedMatrix>();
    for (const [name, described] of Object.entries(claq.matrices)) {
      matrices.set(`${name}.weight`, await placeMatrix(name, described, files));
    }
    const owners = arrayOwners(claq);
    const shards = new Map(
      [...files].map(([shard, file]) => [shard, decodedTensors(file, matrices, owners)]),
    );
    const weightMap =
      weights.weightMap === undefined
        ? undefined
        : new Map([...weights.weightMap].map(([name, shard]) => [owners.get(name) ?? name, shard]));
    const headers = new Map([...shards].map(([shard, tensors]) => [shard, { header: { tensors } }]));
    const sorted = sortTensors(path, model, { weightMap }, headers);
    return new PackedCheckpoint({
      folder: path,
      model,
      claq,
      companions,
      configText: source,
      files,
      matrices,
      tensors: withSourceDtype(sorted, matrices),
      extras: sorted.extras,
      shards: [...shards].map(([file, tensors]) => ({ file, names: [...tensors.keys()] })),
      sharded: weightMap !== undefined,
    });
  } catch (error) {
    for (const file of files.values()) await file.close();
    throw error;
  }
}

/** Only the model's own matrices may be packed, and in their own shape. */
function requireMatricesOf(model: ModelDescription, { matrices }: PackedDescription, where: string): void {
  const shapes = new Map<string, string>();
  for (let block = 0; block < model.blocks; block++) {
    for (const kind of MATRIX_KINDS) {
      const { rows, columns } = matrixShape(model, kind);
      shapes.set(matrixName(block, kind), shapeText([rows, columns]));
    }
  }
  for (const [name, { rows, columns }] of Object.entries(matrices)) {
    const expected = shapes.get(name);
    const found = shapeText([rows, columns]);
    if (expected === found) continue;
    throw new ClaqError('model/config-invalid', 'The config.json of the packed model contradicts itself', {
      where: `${where}, claq.matrices`,
      expected: expected === undefined ? 'matrices of the model' : `${name} ${expected}`,
      found: `${name.slice(0, 100)} ${found}`,
      remedy: 'export the model again, or download the file again',
    });
  }
}

/** Tensor of the dense model by the name of each array. */
function arrayOwners({ matrices }: PackedDescription): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(matrices).flatMap(([name, { arrays }]) =>
      Object.keys(arrays).map((array) => [arrayName(name, array), `${name}.weight`] as const),
    ),
  );
}

/** The file's tensors with each matrix in the place of the first of its arrays. */
function decodedTensors(
  { path, tensors }: PackedFile,
  matrices: ReadonlyMap<string, PlacedMatrix>,
  owners: ReadonlyMap<string, string>,
): ReadonlyMap<string, StoredTensor> {
  const decoded = new Map<string, StoredTensor>();
  for (const tensor of tensors.values()) {
    const { name, position } = tensor;
    const owner = owners.get(name);
    const matrix = owner === undefined ? undefined : matrices.get(owner);
    if (owner !== undefined && matrix !== undefined) {
      const { described } = matrix;
      const dtype = decodedDtype(described);
      const bytes = weightCount(described) * bytesPerElement(dtype);
      const shape = [described.rows, described.columns];
      if (!decoded.has(owner)) decoded.set(owner, { name: owner, dtype, shape, position, bytes });
    } else {
      if (isStray(name, matrices))
        throw malformed(`${path}, tensor ${name}`, 'arrays that config.json names', 'another');
      decoded.set(name, tensor);
    }
  }
  return decoded;
}

/** Whether a tensor belongs to a packed matrix without being one of its arrays: what it means is not known here. */
function isStray(name: string, matrices: ReadonlyMap<string, PlacedMatrix>): boolean {
  const [module, part] = [name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.') + 1)];
  return part !== 'bias' && matrices.has(`${module}.weight`);
}

/** What holds every decoded value: a centroid is a half, its product with a scale is rounded to float32. */
function decodedDtype({ levels, arrays }: DescribedMatrix): FloatDtype {
  return levels === 'codebook' && !Object.hasOwn(arrays, 'row_scales') ? 'F16' : 'F32';
}

/** The embedding is not quantized: it tells in which dtype the matrices were before. */
function withSourceDtype(
  { tensors }: SortedTensors,
  matrices: ReadonlyMap<string, PlacedMatrix>,
): ReadonlyMap<string, TensorEntry> {
  const sourceDtype = tensors.get(TENSOR_NAMES.embedding)?.dtype;
  return new Map(
    [...tensors].map(([name, entry]) => [
      name,
      matrices.has(name) && sourceDtype !== undefined && sourceDtype !== entry.dtype
        ? { ...entry, sourceDtype }
        : entry,
    ]),
  );
}
