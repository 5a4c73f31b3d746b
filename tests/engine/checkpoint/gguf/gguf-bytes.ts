/** Builds GGUF files byte by byte, sound ones and broken ones. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */

/** Numbers of the value types. */
export const VALUE = { u8: 0, u32: 4, i32: 5, f32: 6, flag: 7, text: 8, array: 9, u64: 10 } as const;

export type Scalar = number | bigint | boolean | string;

/** [key, type, value], or [key, type of elements, array]. */
export type Entry = readonly [string, number, Scalar | readonly Scalar[]];

export interface TensorToWrite {
  readonly name: string;
  /** Of ggml: from the innermost on. */
  readonly dimensions: readonly (number | bigint)[];
  /** ggml's number: 0 is F32, 1 is F16. */
  readonly type: number;
  readonly data: Uint8Array;
  /** Where the description says the data are, instead of where they are. */
  readonly offset?: bigint;
}

export interface FileToWrite {
  readonly entries: readonly Entry[];
  readonly tensors?: readonly TensorToWrite[];
  readonly version?: number;
  readonly alignment?: number;
  readonly tensorCount?: bigint;
  readonly entryCount?: bigint;
}

export function ggufBytes(file: FileToWrite): Uint8Array<ArrayBuffer> {
  const { entries, tensors = [], version = 3, alignment = 32 } = file;
  const described: Uint8Array[] = [];
  let at = 0;
  for (const tensor of tensors) {
    described.push(tensorInfo(tensor, tensor.offset ?? BigInt(at)));
    at = padded(at + tensor.data.length, alignment);
  }
  const header = joined([
    new TextEncoder().encode('GGUF'),
    u32(version),
    u64(file.tensorCount ?? BigInt(tensors.length)),
    u64(file.entryCount ?? BigInt(entries.length)),
    ...entries.map(entryBytes),
    ...described,
  ]);
  const parts = [withPadding(header, alignment), ...tensors.map(({ data }) => withPadding(data, alignment))];
  return joined(parts);
}

/** A key and its value. */
export function entryBytes([key, type, value]: Entry): Uint8Array {
  if (typeof value !== 'object') return joined([text(key), u32(type), scalar(type, value)]);
  const elements = value.map((element) => scalar(type, element));
  return joined([text(key), u32(VALUE.array), u32(type), u64(BigInt(elements.length)), ...elements]);
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

export function u64(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer);
}

export function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return joined([u64(BigInt(bytes.length)), bytes]);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

function scalar(type: number, value: Scalar): Uint8Array {
  switch (type) {
    case VALUE.text:
      return text(String(value));
    case VALUE.flag:
    case VALUE.u8:
      return Uint8Array.of(Number(value));
    case VALUE.f32:
      return new Uint8Array(Float32Array.of(Number(value)).buffer);
    case VALUE.u64:
      return u64(BigInt(value));
    default:
      return u32(Number(value));
  }
}

function tensorInfo({ name, dimensions, type }: TensorToWrite, offset: bigint): Uint8Array {
  const sizes = dimensions.map((size) => u64(BigInt(size)));
  return joined([text(name), u32(dimensions.length), ...sizes, u32(type), u64(offset)]);
}

function padded(length: number, alignment: number): number {
  return Math.ceil(length / alignment) * alignment;
}

function withPadding(bytes: Uint8Array, alignment: number): Uint8Array {
  return joined([bytes, new Uint8Array(padded(bytes.length, alignment) - bytes.length)]);
}
