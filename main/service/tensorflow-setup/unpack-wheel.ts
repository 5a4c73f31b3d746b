/** Takes files out of a wheel, which is a zip archive, and trusts none of its lengths or names. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { readableBytes } from '../../../shared/readable-quantities.ts';
import { outputErrors } from '../../engine/checkpoint/atomic-file.ts';

/** TensorFlow's wheels hold some 15,000 files. */
const MAX_ENTRIES = 200_000;
/** The upper half of a zip entry's attributes is the file's mode on Unix; these bits are its type. */
const MODE_SHIFT = 16;
const FILE_TYPE_BITS = 0o170000;
const REGULAR_FILE = 0o100000;

export interface Unpacking {
  /** Exists; what is written lies inside. */
  readonly folder: string;
  /** Path inside `folder` of an entry; undefined for one that is not wanted. */
  readonly target: (entryName: string) => string | undefined;
  /** More than this is refused before anything is written. */
  readonly limitBytes: number;
  readonly onBytes?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the wanted files of a wheel, each flushed to the disk.
 *
 * @returns their paths inside the folder
 * @throws ClaqError setup/wheel-malformed, output/disk-full, output/not-writable, run/cancelled
 */
export async function unpackWheel(wheel: string, unpacking: Unpacking): Promise<string[]> {
  const zip = await malformedErrors(wheel, () =>
    yauzl.openPromise(wheel, { autoClose: false, strictFileNames: true }),
  );
  try {
    const wanted = await malformedErrors(wheel, () => wantedEntries(zip, unpacking));
    const total = [...wanted.values()].reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
    let done = 0;
    unpacking.onBytes?.(done, total);
    for (const [target, entry] of wanted) {
      const path = join(unpacking.folder, target);
      await outputErrors(path, () => mkdir(dirname(path), { recursive: true }));
      await malformedErrors(wheel, () =>
        extract(zip, entry, path, unpacking.signal, (bytes) => {
          done += bytes;
          unpacking.onBytes?.(done, total);
        }),
      );
    }
    return [...wanted.keys()];
  } finally {
    zip.close();
  }
}

/** By target. */
async function wantedEntries(
  zip: ZipFile,
  { target, limitBytes, signal }: Unpacking,
): Promise<Map<string, Entry>> {
  if (zip.entryCount > MAX_ENTRIES)
    throw new Error(`it lists ${zip.entryCount} files, more than ${MAX_ENTRIES}`);
  const wanted = new Map<string, Entry>();
  let bytes = 0;
  // yauzl refuses names that lead out of the folder, and sizes that do not fit the archive.
  for await (const entry of zip.eachEntry()) {
    throwIfCancelled(signal);
    const path = target(entry.fileName);
    if (path === undefined) continue;
    requireRegularFile(entry);
    if (wanted.has(path)) throw new Error(`${entry.fileName} stands in it twice`);
    wanted.set(path, entry);
    bytes += entry.uncompressedSize;
    if (bytes > limitBytes) throw new Error(`its files are larger than ${readableBytes(limitBytes)}`);
  }
  return wanted;
}

/** A link would lead wherever it says. Some writers leave the type out, which means a plain file. */
function requireRegularFile(entry: Entry): void {
  const type = (entry.externalFileAttributes >>> MODE_SHIFT) & FILE_TYPE_BITS;
  if (type !== 0 && type !== REGULAR_FILE) throw new Error(`${entry.fileName} is not a plain file`);
}

/** yauzl compares the length with what the archive says; the checksum is compared here. */
async function extract(
  zip: ZipFile,
  entry: Entry,
  path: string,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<void> {
  throwIfCancelled(signal);
  let checksum = 0;
  const check = new Transform({
    transform(piece: Buffer, _encoding, pass) {
      checksum = crc32(piece, checksum);
      onBytes(piece.length);
      pass(null, piece);
    },
    flush(pass) {
      pass(checksum === entry.crc32 ? null : new Error(`${entry.fileName} does not fit its checksum`));
    },
  });
  const content = await zip.openReadStreamPromise(entry);
  const file = createWriteStream(path, { flags: 'wx', flush: true });
  try {
    await outputErrors(path, () => pipeline(content, check, file, signal === undefined ? {} : { signal }));
  } catch (error) {
    // An aborted pipeline throws an error of its own.
    throwIfCancelled(signal);
    throw error;
  }
}

/** Whatever goes wrong in reading an archive is the archive's fault; our own errors pass through. */
async function malformedErrors<T>(wheel: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof ClaqError) throw cause;
    throw new ClaqError('setup/wheel-malformed', 'The wheel cannot be unpacked', {
      where: wheel,
      expected: 'a zip archive with the files of a wheel',
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: 'remove what has been fetched with `claq setup --remove`, then run the set-up again',
      cause,
    });
  }
}
