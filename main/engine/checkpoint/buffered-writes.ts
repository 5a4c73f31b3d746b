/** Gathers what is appended to a file into large writes; one is under way while the next bytes are computed. */
import type { FileHandle } from 'node:fs/promises';

/** One write call: far from what Linux transfers at most, 2 GiB, and no faster in larger ones. */
const BUFFER_BYTES = 4 * 2 ** 20;

/** The disk is given its part of the work early: else all of it is left to the sync at the end. */
const SYNC_BYTES = 64 * 2 ** 20;

export class BufferedWrites {
  readonly #handle: FileHandle;
  #filling = new Uint8Array(BUFFER_BYTES);
  #filled = 0;
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> = Promise.resolve();
  #unsynced = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** The bytes may be overwritten once this is fulfilled. Throws what an earlier write has thrown. */
  async append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const part = bytes.subarray(done, done + BUFFER_BYTES - this.#filled);
      this.#filling.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
      if (this.#filled === BUFFER_BYTES) await this.#flush();
    }
  }

  /** Fulfilled when all of it is on the disk. */
  async finish(): Promise<void> {
    if (this.#filled > 0) await this.#flush();
    await this.#writing;
    await this.#syncing;
    await this.#handle.sync();
  }

  /** Lets what is under way come to its end, well or not: the file can be closed then. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#syncing]);
  }

  /** Waits for the write before this one, begins the next, and lets the other buffer be filled. */
  async #flush(): Promise<void> {
    await this.#writing;
    const full = this.#filling.subarray(0, this.#filled);
    this.#filling = this.#spare ?? new Uint8Array(BUFFER_BYTES);
    this.#spare = new Uint8Array(full.buffer);
    this.#filled = 0;
    this.#writing = handled(writeAll(this.#handle, full));
    this.#unsynced += full.length;
    if (this.#unsynced < SYNC_BYTES) return;
    await this.#syncing;
    this.#unsynced = 0;
    this.#syncing = handled(this.#handle.datasync());
  }
}

/** Its error is thrown to whoever awaits it, later; until then it is no unhandled one. */
function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += (await handle.write(bytes, written, bytes.length - written)).bytesWritten;
  }
}
