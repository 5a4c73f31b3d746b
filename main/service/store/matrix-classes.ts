/** Columns of a matrix by width and reserved entries, as a blob: three Int32 a class, in the order that they were given. */
import { z } from 'zod';
import type { MatrixResult } from '../../../shared/run-record.ts';
import { int32Blob, toBlob } from './number-blobs.ts';

type MatrixClasses = MatrixResult['classes'];

const NUMBERS_A_CLASS = 3;

/** Throws a RangeError where a number is none of 32 bits. */
export function classesToBlob(classes: MatrixClasses): Uint8Array {
  const numbers = classes.flatMap(({ width, reserved, columns }) => [width, reserved, columns]);
  const values = Int32Array.from(numbers);
  const wrong = numbers.find((number, index) => values[index] !== number);
  if (wrong !== undefined) throw new RangeError(`${wrong} is not a whole number of 32 bits`);
  return toBlob(values);
}

export const classesBlob = int32Blob.transform((values, context): MatrixClasses => {
  if (values.length % NUMBERS_A_CLASS !== 0) {
    context.addIssue(`${values.length} numbers are no whole number of classes`);
    return z.NEVER;
  }
  const classes: MatrixClasses = [];
  for (let at = 0; at < values.length; at += NUMBERS_A_CLASS) {
    const [width = 0, reserved = 0, columns = 0] = values.subarray(at, at + NUMBERS_A_CLASS);
    classes.push({ width, reserved, columns });
  }
  return classes;
});
