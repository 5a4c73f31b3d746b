import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { outputErrorsSync } from '../../engine/checkpoint/atomic-file.ts';

/**
 * Writes all that the library has now to a file beside it, `<name>.v<version>.backup`, in place of an older one of that name.
 *
 * @returns the file's path
 */
export function backUp(database: Database, version: number): string {
  const folder = dirname(database.name);
  const target = `${database.name}.v${version}.backup`;
  const temporary = join(folder, `.${basename(target)}.${randomUUID()}.partial`);
  try {
    database.prepare('VACUUM INTO ?').run(temporary);
    outputErrorsSync(target, () => {
      // Windows syncs only what is open for writing.
      sync(temporary, 'r+');
      renameSync(temporary, target);
      // Makes the rename last through a power cut. Windows has no such call and needs none.
      if (process.platform !== 'win32') sync(folder, 'r');
    });
  } finally {
    rmSync(temporary, { force: true });
  }
  return target;
}

function sync(path: string, flags: 'r' | 'r+'): void {
  const descriptor = openSync(path, flags);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
