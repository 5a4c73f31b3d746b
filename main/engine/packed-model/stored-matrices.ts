/** The matrices of a packed model: found in its files, checked to have the sizes that their form asks for, decoded. */
import { ClaqError } from '../../../shared/errors.ts';
import { type QuantizedMatrix } from '../claq/quantized-matrix.ts';
import { elementCount, shapeText } from '../checkpoint/safetensors-dtype.ts';
import { type MatrixArrays, assembleMatrix } from '../result/matrix-file.ts';
import { readClasses } from '../result/packed-matrix.ts';
import {
  type ArrayShapes,
  arrayDtype,
  arrayName,
  codebookShapes,
  columnClassesShape,
  gridShapes,
  isClassTable,
} from './matrix-arrays.ts';
import type { DescribedMatrix } from './packed-config.ts';
import { type PackedFile, malformed } from './packed-file.ts';

export interface PlacedMatrix {
  /** The module's name. */
  readonly name: string;
  readonly described: DescribedMatrix;
  /** Name of the shard that holds all of its arrays. */
  readonly shard: string;
  readonly file: PackedFile;
}

/**
 * Finds a matrix in the files and checks every array against config.json and against the size that shared/bits.ts gives. Reads
 * the classes of its columns, no more. Throws ClaqError weights/missing-tensor, weights/malformed.
 */
export async function placeMatrix(
  name: string,
  described: DescribedMatrix,
  files: ReadonlyMap<string, PackedFile>,
): Promise<PlacedMatrix> {
  const [first = 'codes'] = Object.keys(described.arrays);
  const found = [...files].find(([, { tensors }]) => tensors.has(arrayName(name, first)));
  if (found === undefined) throw missing(name, first, [...files.keys()].join(', '));
  const [shard, file] = found;
  for (const [array, shape] of Object.entries(described.arrays)) {
    const stored = file.tensors.get(arrayName(name, array));
    if (stored === undefined) throw missing(name, array, shard);
    const expected = `${arrayDtype(described, array) ?? 'no such array'} ${shapeText(shape)}`;
    const is = `${stored.dtype} ${shapeText(stored.shape)}`;
    if (is !== expected) throw malformed(`${file.path}, tensor ${arrayName(name, array)}`, expected, is);
  }
  const placed = { name, described, shard, file };
  requireShapes(placed, await expectedShapes(placed));
  return placed;
}

/** The matrix as codes, codebooks and reserved entries. Throws ClaqError weights/malformed. */
export async function readStoredMatrix({ name, described, file }: PlacedMatrix): Promise<QuantizedMatrix> {
  const arrays = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const array of Object.keys(described.arrays)) {
    arrays.set(array, await file.readWhole(arrayName(name, array)));
  }
  return orMalformed({ name, file }, () => assembleMatrix(described, viewsOf(arrays)));
}

async function expectedShapes(placed: PlacedMatrix): Promise<ArrayShapes> {
  const { name, described, file } = placed;
  if (described.levels === 'grid') return gridShapes(described);
  const { classes: table, column_classes: columnClasses } = described.arrays;
  const where = `${file.path}, matrix ${name}`;
  if (!isClassTable(described, table)) {
    throw malformed(where, `a table of 1 to ${described.columns} classes`, shapeText(table ?? []));
  }
  const wanted = shapeText(columnClassesShape(described, table?.[0] ?? 0));
  if (shapeText(columnClasses ?? []) !== wanted) {
    throw malformed(where, `column_classes ${wanted}`, shapeText(columnClasses ?? []));
  }
  const stored = {
    classes: new Int32Array((await file.readWhole(arrayName(name, 'classes'))).buffer),
    columnClasses: await file.readWhole(arrayName(name, 'column_classes')),
  };
  const classes = orMalformed(placed, () => readClasses(stored, described.rows, described.columns));
  return codebookShapes(described, classes, {
    scaledRows: Object.hasOwn(described.arrays, 'row_scales'),
    byteCodebooks: Object.hasOwn(described.arrays, 'byte_codebooks'),
  });
}

/** Exactly these arrays, each of this shape. */
function requireShapes({ name, described, file }: PlacedMatrix, shapes: ArrayShapes): void {
  const text = (entries: Iterable<readonly [string, readonly number[]]>): string =>
    [...entries]
      .map(([array, shape]) => `${array} ${shapeText(shape)}`)
      .sort()
      .join(', ');
  const [expected, found] = [text(shapes), text(Object.entries(described.arrays))];
  if (expected !== found) throw malformed(`${file.path}, matrix ${name}`, expected, found);
}

function orMalformed<T>({ name, file }: Pick<PlacedMatrix, 'name' | 'file'>, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw malformed(`${file.path}, matrix ${name}`, 'arrays that belong together', error.message);
  }
}

/** The bytes are checked already: what is asked for here is there, and of this dtype. */
function viewsOf(arrays: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): MatrixArrays {
  const bytes = (name: string): Uint8Array<ArrayBuffer> => arrays.get(name) ?? new Uint8Array();
  return {
    has: (name) => arrays.has(name),
    u8: bytes,
    i32: (name) => new Int32Array(bytes(name).buffer),
    f16: (name) => new Float16Array(bytes(name).buffer),
  };
}

function missing(name: string, array: string, where: string): ClaqError {
  return new ClaqError('weights/missing-tensor', `The packed model lacks an array of the matrix ${name}`, {
    where,
    expected: arrayName(name, array),
    found: 'no such tensor',
    remedy: 'export the model again, or download it completely',
  });
}

/** Weights in it. */
export function weightCount({ rows, columns }: DescribedMatrix): number {
  return elementCount([rows, columns]) ?? 0;
}
