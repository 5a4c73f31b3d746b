/** The disk as a preflight shows it. */
import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { BytesPart, Preflight } from '../../../shared/preflight.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { SPARE_BYTES } from '../planned-bytes.ts';

export interface DiskQuestion {
  /** Where runs go; it may not be there yet. */
  readonly folder: string;
  readonly packed: Omit<BytesPart, 'name'>;
  /** Bytes of the dense export; 0 for none. */
  readonly dense: number;
  /** Bytes of activations that memory has no room for. */
  readonly spilled: number;
}

export async function diskSpace({
  folder,
  packed,
  dense,
  spilled,
}: DiskQuestion): Promise<Preflight['disk']> {
  const parts = [
    { name: 'Packed matrices', ...packed },
    { name: 'Dense export', bytes: dense, basis: 'all tensors in the dtype that is asked for' },
    { name: 'Activations', bytes: spilled, basis: 'what memory has no room for, while the run goes on' },
    { name: 'Spare', bytes: SPARE_BYTES, basis: 'the record, headers, copies of the tokenizer' },
  ].filter(({ bytes }) => bytes > 0);
  const needed = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  return { folder, needed, ...(await spaceAt(resolve(folder))), parts };
}

/** Of the disk that a folder lies on, or will lie on; nulls where the system does not say. */
async function spaceAt(folder: string): Promise<{ free: number | null; total: number | null }> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { free: bavail * bsize, total: blocks * bsize };
  } catch (error) {
    const code = systemErrorCode(error);
    const parent = dirname(folder);
    if ((code === 'ENOENT' || code === 'ENOTDIR') && parent !== folder) return spaceAt(parent);
    return { free: null, total: null };
  }
}
