import { randomUUID } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { outputErrorsSync } from '../checkpoint/atomic-file.ts';

/** A spill file is `.activations.<id>.partial`. */
export const SPILL_FILE_STEM = 'activations';

/** One call takes at most this much: Linux transfers less than 2 GiB at a time. */
const MAX_TRANSFER_BYTES = 2 ** 30;

/**
 * A file of float32 values, read and written by position, for one process. Its name is taken away as soon as it is open, so
 * the disk gets its space back when the process ends, however that happens. All methods throw ClaqError output/disk-full or
 * output/not-writable.
 */
export class SpillFile {
  readonly #folder: string;
  readonly #path: string;
  readonly #file: number;

  /** @param length values that it holds; 0 until they are written */
  constructor(folder: string, length: number) {
    this.#folder = folder;
    this.#path = join(folder, `.${SPILL_FILE_STEM}.${randomUUID()}.partial`);
    this.#file = outputErrorsSync(folder, () => openSync(this.#path, 'wx+', 0o600));
    try {
      outputErrorsSync(folder, () => ftruncateSync(this.#file, length * Float32Array.BYTES_PER_ELEMENT));
      this.#removeName();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Fills `values` with those from position `from` on. */
  read(from: number, values: Float32Array): void {
    this.#transfer(from, values, (...where) => readSync(this.#file, ...where));
  }

  write(from: number, values: Float32Array): void {
    this.#transfer(from, values, (...where) => writeSync(this.#file, ...where));
  }

  close(): void {
    closeSync(this.#file);
    this.#removeName();
  }

  #removeName(): void {
    try {
      rmSync(this.#path, { force: true });
    } catch {
      // A system that keeps the names of open files lets go of it after closing.
    }
  }

  /** @param move reads or writes some of the bytes, and says how many */
  #transfer(
    from: number,
    values: Float32Array,
    move: (bytes: Uint8Array, offset: number, length: number, position: number) => number,
  ): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const start = from * Float32Array.BYTES_PER_ELEMENT;
    let done = 0;
    while (done < bytes.length) {
      const length = Math.min(bytes.length - done, MAX_TRANSFER_BYTES);
      const moved = outputErrorsSync(this.#folder, () => move(bytes, done, length, start + done));
      if (moved === 0) throw new Error(`the spill file in ${this.#folder} ends too early`);
      done += moved;
    }
  }
}
