/** A file that is on its way: `<name>.partial` beside its place, hashed as it grows. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { constants } from 'node:fs';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { outputErrors } from '../../engine/checkpoint/atomic-file.ts';
import { ContentHasher, type HubFile } from './content-hash.ts';

export const PARTIAL = '.partial';

/** Read and hashed at a time, of what is there already. */
const PIECE_BYTES = 2 ** 20;

export class PartialFile {
  readonly #path: string;
  readonly #file: HubFile;
  readonly #handle: FileHandle;
  #hasher: ContentHasher;
  #length = 0;
  #inherited = false;

  private constructor(path: string, file: HubFile, handle: FileHandle) {
    this.#path = path;
    this.#file = file;
    this.#handle = handle;
    this.#hasher = new ContentHasher(file);
  }

  /**
   * Opens what an earlier download has left, or begins.
   *
   * @param path of the whole file
   * @throws ClaqError output/not-writable, run/cancelled
   */
  static async open(path: string, file: HubFile, signal: AbortSignal | undefined): Promise<PartialFile> {
    const handle = await outputErrors(path, () => open(path + PARTIAL, constants.O_RDWR | constants.O_CREAT));
    const partial = new PartialFile(path, file, handle);
    try {
      await partial.#hashWhatIsThere(signal);
      return partial;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes that are there. */
  get length(): number {
    return this.#length;
  }

  /** Some of it comes from an earlier download, which a crash may have spoiled. */
  get inherited(): boolean {
    return this.#inherited;
  }

  /** @throws ClaqError output/disk-full, output/not-writable */
  async append(piece: Uint8Array): Promise<void> {
    let written = 0;
    while (written < piece.length) {
      const rest = piece.subarray(written);
      const position = this.#length + written;
      const { bytesWritten } = await this.#output(() => this.#handle.write(rest, 0, rest.length, position));
      written += bytesWritten;
    }
    this.#hasher.update(piece);
    this.#length += piece.length;
  }

  async restart(): Promise<void> {
    await this.#output(() => this.#handle.truncate(0));
    this.#hasher = new ContentHasher(this.#file);
    this.#length = 0;
    this.#inherited = false;
  }

  /** Once, when all bytes are there. */
  contentHash(): string {
    return this.#hasher.text();
  }

  /** Gives the file its own name, safe on the disk. */
  async keep(): Promise<void> {
    await this.#output(() => this.#handle.sync());
    await this.#handle.close();
    await this.#output(() => rename(this.#path + PARTIAL, this.#path));
  }

  /** Safe to call after keep(). */
  async close(): Promise<void> {
    await this.#handle.close();
  }

  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.#path + PARTIAL, { force: true });
  }

  async #hashWhatIsThere(signal: AbortSignal | undefined): Promise<void> {
    const { size } = await this.#handle.stat();
    const piece = new Uint8Array(Math.min(PIECE_BYTES, size));
    while (this.#length < size) {
      throwIfCancelled(signal, 'download');
      const { bytesRead } = await this.#handle.read(piece, 0, piece.length, this.#length);
      if (bytesRead === 0) break;
      this.#hasher.update(piece.subarray(0, bytesRead));
      this.#length += bytesRead;
    }
    this.#inherited = this.#length > 0;
  }

  /** outputErrors, but for what becomes of the part: it stays. */
  async #output<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await outputErrors(this.#path, step);
    } catch (error) {
      if (!(error instanceof ClaqError) || error.code !== 'output/disk-full') throw error;
      throw new ClaqError('output/disk-full', 'The disk is full', {
        where: this.#path,
        ...(error.found === undefined ? {} : { found: error.found }),
        remedy: 'free some space and download again: it goes on where it stopped',
        cause: error,
      });
    }
  }
}
