import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';

/** A table of token ids is a few hundred kilobytes; anything near this is another file. */
const MAX_BYTES = 64 * 2 ** 20;
/** Magic, version and the length of the header (version 1.0). */
const PREAMBLE_BYTES = 10;

const element = { '<i4': 4, '<i8': 8 } as const;
const descriptionSchema = z.object({
  descr: z.enum(['<i4', '<i8']),
  fortran_order: z.literal(false),
  shape: z.tuple([z.int().positive(), z.int().positive()]),
});

/**
 * The rows of a table of integers in NumPy's .npy format 1.0: int32 or int64, two dimensions, C order.
 * Throws where the file is anything else, or not as long as its header says.
 */
export async function readIntegerRows(path: string): Promise<Int32Array[]> {
  const { size } = await stat(path);
  if (size < PREAMBLE_BYTES || size > MAX_BYTES) throw new RangeError(`${path}: ${size} bytes`);
  const file = await readFile(path);
  if (file.subarray(0, 8).toString('latin1') !== '\x93NUMPY\x01\x00')
    throw new TypeError(`${path}: not .npy format 1.0`);
  const start = PREAMBLE_BYTES + file.readUInt16LE(8);
  const { descr, shape } = parseDescription(file.subarray(PREAMBLE_BYTES, start).toString('latin1'));
  const [rows, columns] = shape;
  if (file.length - start !== rows * columns * element[descr]) {
    throw new RangeError(
      `${path}: ${file.length - start} bytes of data for ${rows} x ${columns} of ${descr}`,
    );
  }
  const value = (i: number): number =>
    descr === '<i4' ? file.readInt32LE(start + i * 4) : Number(file.readBigInt64LE(start + i * 8));
  return Array.from({ length: rows }, (_, row) =>
    Int32Array.from({ length: columns }, (_, column) => value(row * columns + column)),
  );
}

/** The header is a Python dictionary: `{'descr': '<i8', 'fortran_order': False, 'shape': (32, 1024), }`. */
function parseDescription(text: string): z.infer<typeof descriptionSchema> {
  const json = text
    .replaceAll("'", '"')
    .replaceAll('(', '[')
    .replaceAll(')', ']')
    .replaceAll('False', 'false')
    .replaceAll('True', 'true')
    .replace(/,\s*([\]}])/g, '$1');
  return descriptionSchema.parse(JSON.parse(json));
}
