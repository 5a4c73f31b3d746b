/** The dtypes of the safetensors format with their bytes an element. Types narrower than a byte are left out: nothing here stores them. */
const BYTES_PER_ELEMENT = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
  C64: 8,
} as const;

export type StoredDtype = keyof typeof BYTES_PER_ELEMENT;

/** The dtypes that weights are computed from. */
export const FLOAT_DTYPES = ['F32', 'F16', 'BF16'] as const;
export type FloatDtype = (typeof FLOAT_DTYPES)[number];

export function isStoredDtype(dtype: string): dtype is StoredDtype {
  return Object.hasOwn(BYTES_PER_ELEMENT, dtype);
}

export function isFloatDtype(dtype: StoredDtype): dtype is FloatDtype {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

export function bytesPerElement(dtype: StoredDtype): number {
  return BYTES_PER_ELEMENT[dtype];
}

/** Number of elements of a shape ([] is a scalar: 1), or undefined where it is no longer an exact integer. */
export function elementCount(shape: readonly number[]): number | undefined {
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** `[576, 1536]`, as PyTorch prints a shape. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
