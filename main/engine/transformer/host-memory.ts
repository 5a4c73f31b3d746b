import { freemem, tmpdir, totalmem } from 'node:os';
import { readableBytes } from '../../../shared/readable-quantities.ts';

/** Of the memory that is free at the start; the rest is for weights, the backend, the kernels and other programs. */
const SHARE_OF_FREE_MEMORY = 0.5;

export interface HostMemoryOptions {
  /** Bytes of activations that may be held at once; by default half of what is free now. */
  readonly bytes?: number | undefined;
  /** Folder on the disk that takes what is beyond; by default the system's for large temporary files. */
  readonly spillFolder?: string | undefined;
}

/** The host memory that the activations of a run may take together. Stores take from it and give back. */
export class HostMemory {
  readonly bytes: number;
  readonly spillFolder: string;
  #taken = 0;
  /** The largest need that was told. */
  #told = 0;

  constructor({ bytes, spillFolder }: HostMemoryOptions = {}) {
    this.bytes = bytes ?? SHARE_OF_FREE_MEMORY * freeMemory();
    this.spillFolder = spillFolder ?? folderOfLargeFiles();
  }

  get taken(): number {
    return this.#taken;
  }

  /** Takes bytes if they are still there; otherwise false, and nothing is taken. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.bytes) return false;
    this.#taken += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes;
  }

  /** Tells that the disk will be needed, where work that is about to start holds more at its peak than there is. */
  tellOfSpill(needed: number, tell: ((line: string) => void) | undefined): void {
    const free = this.bytes - this.#taken;
    if (needed <= Math.max(free, this.#told)) return;
    this.#told = needed;
    tell?.(
      `Hidden states do not fit in memory: ${readableBytes(Math.round(needed - free))} of ${readableBytes(needed)} go to ${this.spillFolder}`,
    );
  }
}

/**
 * Bytes of memory that a run could still take. Not process.availableMemory(): in a container that counts files in the system's
 * cache as taken, the model's among them.
 */
export function freeMemory(): number {
  // macOS fills its free memory with what it could throw away at any time.
  const free = process.platform === 'darwin' ? totalmem() : freemem();
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem()
    ? Math.max(0, Math.min(free, limit - process.memoryUsage.rss()))
    : free;
}

/** On Linux /tmp is often memory itself; /var/tmp is not. */
function folderOfLargeFiles(): string {
  return process.platform === 'linux' && process.env['TMPDIR'] === undefined ? '/var/tmp' : tmpdir();
}
