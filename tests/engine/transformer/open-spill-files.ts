import { readdirSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The files of a folder that this process holds open, names that were taken away among them; the names alone off Linux. */
export function openSpillFiles(folder: string): number {
  if (process.platform !== 'linux') return readdirSync(folder).length;
  const descriptors = '/proc/self/fd';
  return readdirSync(descriptors).filter((descriptor) => {
    try {
      return dirname(readlinkSync(join(descriptors, descriptor))) === folder;
    } catch {
      // The one that was open to list them.
      return false;
    }
  }).length;
}
