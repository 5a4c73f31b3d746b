/** Files appear whole or not at all: written under a temporary name beside the target, synced to the disk, then renamed. */
import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import { BufferedWrites } from './buffered-writes.ts';

/** Appends bytes; they may be overwritten as soon as the promise is fulfilled. */
export type WriteBytes = (bytes: Uint8Array) => Promise<void>;

/** How the temporary file is opened. Given from outside only to write on a device that is full. */
export type OpenForWriting = (path: string) => Promise<FileHandle>;

const openNewFile: OpenForWriting = (path) => open(path, 'wx');

/**
 * Writes `path` with whatever `produce` appends, replacing what was there. When anything fails, the temporary file is
 * removed and the old file is untouched. Throws ClaqError output/disk-full or output/not-writable, and what `produce` throws.
 */
export async function writeAtomically(
  path: string,
  produce: (write: WriteBytes) => Promise<void>,
  openTemporary: OpenForWriting = openNewFile,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.partial`);
  const handle = await outputErrors(path, () => openTemporary(temporary));
  try {
    const writes = new BufferedWrites(handle);
    try {
      await produce((bytes) => outputErrors(path, () => writes.append(bytes)));
      await outputErrors(path, () => writes.finish());
    } finally {
      await writes.settle();
      await handle.close();
    }
    await outputErrors(path, () => rename(temporary, path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** A small file from text, atomically. */
export async function writeTextAtomically(path: string, text: string): Promise<void> {
  await writeAtomically(path, (write) => write(new TextEncoder().encode(text)));
}

/** Makes renames in the folder last through a power cut. Windows has no such call and needs none. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Runs one step of writing and turns the system's errors into ours. */
export async function outputErrors<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    throw outputError(cause, path);
  }
}

/** outputErrors for a step that is synchronous. */
export function outputErrorsSync<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw outputError(cause, path);
  }
}

function outputError(cause: unknown, path: string): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new ClaqError('output/disk-full', 'The disk is full', {
        where: path,
        found: code,
        remedy: 'free some space or choose a folder on another disk; what was half-written has been removed',
        cause,
      });
    case 'EFBIG':
      return new ClaqError('output/not-writable', 'The file is larger than its disk allows', {
        where: path,
        expected: 'a file system without a limit below the size of a model',
        found: code,
        remedy: 'choose a folder on another disk (FAT32, for example, ends at 4 GB a file)',
        cause,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'EEXIST':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EISDIR':
      return new ClaqError('output/not-writable', 'The file cannot be written', {
        where: path,
        expected: 'an existing folder that you may write to',
        found: cause instanceof Error ? cause.message : code,
        remedy: 'choose another folder or change its permissions',
        cause,
      });
    default:
      return cause;
  }
}
