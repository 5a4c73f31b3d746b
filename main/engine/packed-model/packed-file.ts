/** One weights file of a packed model, opened for reading: nothing of it is handed out that does not match its checksum. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { ClaqError } from '../../../shared/errors.ts';
import { CHECKSUM_BYTES } from '../../../shared/model-bytes.ts';
import { bytesPerElement, shapeText } from '../checkpoint/safetensors-dtype.ts';
import { openSafetensors } from '../checkpoint/safetensors-file.ts';
import type { SafetensorsFile } from '../checkpoint/safetensors-file.ts';
import type { StoredTensor } from '../checkpoint/safetensors-header.ts';
import { CHECKSUMS_TENSOR, SUM_ALGORITHM, checksumsEntry } from './checksums.ts';
import { PACKED_VERSION } from './packed-config.ts';

/** Read and hashed at a time. */
const PIECE_BYTES = 16 * 2 ** 20;

export const EXPORT_AGAIN = 'export the model again, or download the file again';

/** Opens the file and checks its header. Throws ClaqError weights/missing-file, weights/malformed. */
export async function openPackedFile(path: string): Promise<PackedFile> {
  const file = await openSafetensors(path, { remedy: EXPORT_AGAIN });
  try {
    const version = file.header.metadata.get('claq');
    if (version !== String(PACKED_VERSION)) {
      throw malformed(path, `weights of a packed model, form ${PACKED_VERSION}`, `form ${version ?? 'none'}`);
    }
    const tensors = new Map(file.header.tensors);
    const sums = tensors.get(CHECKSUMS_TENSOR);
    tensors.delete(CHECKSUMS_TENSOR);
    requireSums(path, sums, [...file.header.tensors.keys()].at(-1), tensors.size);
    const bytes = await file.readBytes(CHECKSUMS_TENSOR, 0, (1 + tensors.size) * CHECKSUM_BYTES);
    const [headerSum = '', ...rest] = Array.from({ length: 1 + tensors.size }, (_, index) =>
      Buffer.from(bytes.subarray(index * CHECKSUM_BYTES, (index + 1) * CHECKSUM_BYTES)).toString('hex'),
    );
    const found = await sumOfStart(path, dataStart(file));
    if (found !== headerSum) throw malformed(`${path}, header`, sumText(headerSum), sumText(found));
    const names = [...tensors.keys()];
    return new PackedFile(
      path,
      file,
      tensors,
      new Map(names.map((name, index) => [name, rest[index] ?? ''])),
    );
  } catch (error) {
    await file.close();
    throw error;
  }
}

export class PackedFile {
  readonly path: string;
  /** All but the checksums, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #file: SafetensorsFile;
  readonly #sums: ReadonlyMap<string, string>;
  /** Tensors that are read in pieces are hashed once, before the first piece. */
  readonly #checked = new Map<string, Promise<void>>();

  /** Use `openPackedFile`. */
  constructor(
    path: string,
    file: SafetensorsFile,
    tensors: ReadonlyMap<string, StoredTensor>,
    sums: ReadonlyMap<string, string>,
  ) {
    this.path = path;
    this.tensors = tensors;
    this.#file = file;
    this.#sums = sums;
  }

  /** All bytes of a tensor, hashed as they are. Throws ClaqError weights/malformed where they are not what was written. */
  async readWhole(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#file.readBytes(name, 0, this.tensors.get(name)?.bytes ?? 0);
    this.#compare(name, createHash(SUM_ALGORITHM).update(bytes).digest('hex'));
    return bytes;
  }

  /** The file for reading a tensor piece by piece, once its sum has been found right. */
  async intact(name: string): Promise<SafetensorsFile> {
    const check = this.#checked.get(name) ?? this.#hash(name);
    this.#checked.set(name, check);
    await check;
    return this.#file;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #hash(name: string): Promise<void> {
    const hash = createHash(SUM_ALGORITHM);
    const bytes = this.tensors.get(name)?.bytes ?? 0;
    for (let from = 0; from < bytes; from += PIECE_BYTES) {
      hash.update(await this.#file.readBytes(name, from, Math.min(bytes, from + PIECE_BYTES)));
    }
    this.#compare(name, hash.digest('hex'));
  }

  #compare(name: string, found: string): void {
    const sum = this.#sums.get(name) ?? '';
    if (found !== sum) throw malformed(`${this.path}, tensor ${name}`, sumText(sum), sumText(found));
  }
}

export function malformed(where: string, expected: string, found: string): ClaqError {
  return new ClaqError('weights/malformed', 'The packed model is damaged', {
    where,
    expected,
    found,
    remedy: EXPORT_AGAIN,
  });
}

/** @param last name of the file's last tensor */
function requireSums(
  path: string,
  sums: StoredTensor | undefined,
  last: string | undefined,
  tensors: number,
): void {
  const { dtype, shape } = checksumsEntry(tensors);
  const isThere =
    last === CHECKSUMS_TENSOR &&
    sums?.dtype === dtype &&
    shapeText(sums.shape) === shapeText(shape) &&
    sums.bytes === (1 + tensors) * CHECKSUM_BYTES * bytesPerElement(dtype);
  if (isThere) return;
  throw malformed(
    path,
    `a last tensor ${CHECKSUMS_TENSOR}, ${dtype} ${shapeText(shape)}`,
    sums === undefined ? 'none' : `${sums.dtype} ${shapeText(sums.shape)}`,
  );
}

function dataStart({ header }: SafetensorsFile): number {
  const [first] = header.tensors.values();
  return first?.position ?? 0;
}

async function sumOfStart(path: string, length: number): Promise<string> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, 0);
    return createHash(SUM_ALGORITHM).update(buffer.subarray(0, bytesRead)).digest('hex');
  } finally {
    await handle.close();
  }
}

function sumText(sum: string): string {
  return `SHA-256 ${sum.slice(0, 16)}...`;
}
