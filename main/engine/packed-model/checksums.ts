/**
 * The last tensor of a packed model's file: SHA-256 of the header, then of each other tensor in the order of the file. One flipped
 * bit in codes or codebooks would give a model that still talks, only worse.
 */
import { createHash } from 'node:crypto';
import { CHECKSUM_BYTES } from '../../../shared/model-bytes.ts';
import type { StoredDtype } from '../checkpoint/safetensors-dtype.ts';
import { encodeHeader, writeSafetensors } from '../checkpoint/safetensors-writer.ts';
import type { TensorToWrite, WriteOptions } from '../checkpoint/safetensors-writer.ts';

export const CHECKSUMS_TENSOR = 'claq.checksums';
export const SUM_ALGORITHM = 'sha256';

/** Dtype and shape of the tensor beside so many others. */
export function checksumsEntry(tensors: number): {
  name: string;
  dtype: StoredDtype;
  shape: readonly number[];
} {
  return { name: CHECKSUMS_TENSOR, dtype: 'U8', shape: [1 + tensors, CHECKSUM_BYTES] };
}

/**
 * writeSafetensors with the sums behind the tensors, taken from what is written. Returns the file's size.
 * @throws ClaqError output/disk-full or output/not-writable, whatever a tensor's pieces throw
 */
export async function writeWithChecksums(
  path: string,
  tensors: readonly TensorToWrite[],
  options: WriteOptions & { readonly metadata: ReadonlyMap<string, string> },
): Promise<number> {
  const entry = checksumsEntry(tensors.length);
  const header = encodeHeader([...tensors, entry], options.metadata);
  const sums = [createHash(SUM_ALGORITHM).update(header).digest()];
  const summed = tensors.map((tensor): TensorToWrite => ({
    ...tensor,
    pieces: async function* () {
      const hash = createHash(SUM_ALGORITHM);
      for await (const piece of tensor.pieces()) {
        hash.update(piece);
        yield piece;
      }
      sums.push(hash.digest());
    },
  }));
  return await writeSafetensors(path, [...summed, { ...entry, pieces: () => sums }], options);
}
