/** A GGUF file opened for reading by position: the header is read and checked once, rows when they are asked for. */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ClaqError } from '../../../../shared/errors.ts';
import { readExactly, fillFrom } from '../read-exactly.ts';
import type { OnEnd } from '../read-exactly.ts';
import { refuseLfsPointer } from '../safetensors-file.ts';
import { malformedGguf } from './gguf-errors.ts';
import { parseGgufHeader } from './gguf-header.ts';
import type { GgufHeader, GgufTensor } from './gguf-header.ts';
import { MAX_HEADER_BYTES } from './header-scan.ts';

/** Holds most headers; a longer one is read again in twice as much. */
const FIRST_READ_BYTES = 2 ** 22;

/** A Git LFS pointer has some 130 bytes. */
const LFS_POINTER_BYTES = 512;

/**
 * Opens the file and checks its header; the caller closes it.
 * @throws ClaqError weights/missing-file, weights/lfs-pointer, weights/malformed, weights/unsupported-dtype, model/unsupported
 */
export async function openGgufFile(path: string): Promise<GgufFile> {
  const handle = await openForReading(path);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw cannotOpen(path, 'something that is not a file');
    return new GgufFile(path, handle, await readHeader(handle, stat.size, path));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export class GgufFile {
  readonly path: string;
  readonly header: GgufHeader;
  readonly #handle: FileHandle;

  /** Use `openGgufFile`. */
  constructor(path: string, handle: FileHandle, header: GgufHeader) {
    this.path = path;
    this.#handle = handle;
    this.header = header;
  }

  /** Bytes [from, to) of a tensor as they are stored, at an even offset of an array of their own. */
  async readBytes(tensor: GgufTensor, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    return await readExactly(this.#handle, tensor.position + from, to - from, ended(this.path));
  }

  /** Bytes of a tensor from `from` on as they are stored, as many as `target` has room for. */
  async readInto(tensor: GgufTensor, from: number, target: Uint8Array): Promise<void> {
    await fillFrom(this.#handle, target, tensor.position + from, ended(this.path));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function readHeader(handle: FileHandle, fileSize: number, path: string): Promise<GgufHeader> {
  const start = await readExactly(handle, 0, Math.min(fileSize, LFS_POINTER_BYTES), ended(path));
  refuseLfsPointer(new TextDecoder('latin1').decode(start), path);
  const limit = Math.min(fileSize, MAX_HEADER_BYTES);
  for (let length = Math.min(limit, FIRST_READ_BYTES); ; length = Math.min(limit, length * 2)) {
    const header = await parseGgufHeader(await readExactly(handle, 0, length, ended(path)), fileSize, path);
    if (header !== undefined) return header;
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw cannotOpen(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function cannotOpen(where: string, found: string, cause?: unknown): ClaqError {
  return new ClaqError('weights/missing-file', 'The file cannot be opened', {
    where,
    expected: 'a GGUF file',
    found,
    remedy: 'check the path and the permissions of the file',
    cause,
  });
}

function ended(path: string): OnEnd {
  return (expected, found) => malformedGguf(path, 'The file ended while it was read', { expected, found });
}
