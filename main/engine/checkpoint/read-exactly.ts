/** Reading a file by position: all the bytes asked for, or an error. */
import type { FileHandle } from 'node:fs/promises';
import type { ClaqError } from '../../../shared/errors.ts';

/** The error for a file that ends too early, which each format names after itself. */
export type OnEnd = (expected: string, found: string) => ClaqError;

/** One read call takes at most this much: Linux transfers less than 2 GiB at a time. */
const MAX_READ_BYTES = 2 ** 30;

/** `length` bytes from `position` on, in an array of their own. */
export async function readExactly(
  handle: FileHandle,
  position: number,
  length: number,
  onEnd: OnEnd,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await fillFrom(handle, bytes, position, onEnd);
  return bytes;
}

/** Fills `bytes`, which may be shared memory, from `position` on. */
export async function fillFrom(
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
  onEnd: OnEnd,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const length = Math.min(bytes.length - done, MAX_READ_BYTES);
    const { bytesRead } = await handle.read(bytes, done, length, position + done);
    if (bytesRead === 0) throw onEnd(`${bytes.length} bytes at position ${position}`, `${done} bytes`);
    done += bytesRead;
  }
}
