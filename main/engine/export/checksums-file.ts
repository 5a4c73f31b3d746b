/** SHA256SUMS: the manifest of an export, in the form that `sha256sum --check SHA256SUMS` reads. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { writeTextAtomically } from '../checkpoint/atomic-file.ts';
import { hashFile } from '../checkpoint/file-hash.ts';

export const CHECKSUMS_FILE = 'SHA256SUMS';

/** Writes the list. Throws ClaqError output/disk-full, output/not-writable. */
export async function writeChecksums(folder: string, sums: ReadonlyMap<string, string>): Promise<void> {
  const lines = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, sum]) => `${sum}  ${name}\n`);
  await writeTextAtomically(join(folder, CHECKSUMS_FILE), lines.join(''));
}

/**
 * Reads every file that the list names, and compares.
 * @param onBytes called with what was read
 * @throws ClaqError output/verification-failed at the first difference, run/cancelled
 */
export async function verifyChecksums(
  folder: string,
  onBytes: (bytes: number) => void = () => undefined,
  signal?: AbortSignal,
): Promise<void> {
  const path = join(folder, CHECKSUMS_FILE);
  for (const [name, sum] of parseChecksums(await readFile(path, 'utf8'), path)) {
    const file = join(folder, name);
    const found = await sumOf(file, onBytes, signal).catch((error: unknown) => {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (found === sum) continue;
    throw mismatch(file, `sha256 ${sum}`, found === undefined ? 'no such file' : `sha256 ${found}`);
  }
}

/** File names with their sums. Throws ClaqError output/verification-failed for a line of another form. */
export function parseChecksums(text: string, path: string): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const match = /^([0-9a-f]{64}) {2}([^/\\]+)$/.exec(line);
    const [, sum, name] = match ?? [];
    if (sum === undefined || name === undefined)
      throw mismatch(path, 'lines of a SHA-256, two spaces, and a file name', line.slice(0, 100));
    sums.set(name, sum);
  }
  return sums;
}

async function sumOf(
  path: string,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  return await hashFile(path, (bytes) => {
    throwIfCancelled(signal, 'export');
    onBytes(bytes);
  });
}

function mismatch(where: string, expected: string, found: string): ClaqError {
  return new ClaqError('output/verification-failed', 'The export does not match its checksums', {
    where,
    expected,
    found,
    remedy: 'check the disk and run the export again',
  });
}
