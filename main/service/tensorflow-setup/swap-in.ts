import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { outputErrors, syncFolder } from '../../engine/checkpoint/atomic-file.ts';
import { UNFINISHED } from './home.ts';

/**
 * Puts a folder that was made beside it in the place of `folder`, whether there is one or not; where that fails, the old one
 * stands there as before. A program that has the old one loaded keeps it: on Linux a file lives on while it is in use.
 *
 * @throws ClaqError output/disk-full, output/not-writable
 */
export async function swapIn(made: string, folder: string): Promise<void> {
  const old = `${folder}.${randomUUID()}${UNFINISHED}`;
  await outputErrors(folder, async () => {
    const wasThere = await renamed(folder, old);
    try {
      await rename(made, folder);
    } catch (error) {
      if (wasThere) await rename(old, folder);
      throw error;
    }
    await syncFolder(dirname(folder));
  });
  await rm(old, { recursive: true, force: true });
}

/** False where there is nothing of the name. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
