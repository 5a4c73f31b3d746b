/** Arrays of numbers <-> blobs, little-endian, as every platform that Node runs on has them in memory. */
import { z } from 'zod';

type Numbers = Float16Array | Float32Array | Uint16Array | Uint32Array | Int32Array;

interface NumbersType<Values extends Numbers> {
  new (length: number): Values;
  readonly BYTES_PER_ELEMENT: number;
}

/** The bytes of the values, which they share. */
export function toBlob(values: Numbers): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function blobOf<Values extends Numbers>(type: NumbersType<Values>): z.ZodType<Values> {
  return z.instanceof(Uint8Array).transform((bytes, context): Values => {
    if (bytes.length % type.BYTES_PER_ELEMENT !== 0) {
      context.addIssue(`${bytes.length} bytes are no whole number of values`);
      return z.NEVER;
    }
    // A copy: a blob may begin at any byte, an array of numbers only at a multiple of its elements' size.
    const values = new type(bytes.length / type.BYTES_PER_ELEMENT);
    toBlob(values).set(bytes);
    return values;
  });
}

/** Columns of blobs, as arrays. */
export const float16Blob = blobOf(Float16Array);
export const float32Blob = blobOf(Float32Array);
export const uint16Blob = blobOf(Uint16Array);
export const uint32Blob = blobOf(Uint32Array);
export const int32Blob = blobOf(Int32Array);
