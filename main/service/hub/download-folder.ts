/** The folder that a model is downloaded into: whose it is, what an earlier download left in it, and room on its disk. */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import { readableBytes } from '../../../shared/readable-quantities.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { outputErrors } from '../../engine/checkpoint/atomic-file.ts';
import { removeIfEmpty } from '../folder-contents.ts';
import { LOCK_FILE, lockFolder } from '../../engine/checkpoint/folder-lock.ts';
import type { HubFile } from './content-hash.ts';
import { type Manifest, MANIFEST_FILE, readManifest } from './download-manifest.ts';
import { PARTIAL } from './partial-file.ts';

/** For manifest and lock, and so that the system does not stand without any. */
const SPARE_BYTES = 16 * 2 ** 20;

/**
 * Runs `work` with the folder for itself alone. It is made where it is missing, and removed where it stays empty.
 *
 * @throws ClaqError output/in-use, output/not-writable, and what `work` throws
 */
export async function withDownloadFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const firstMade = await outputErrors(folder, () => mkdir(folder, { recursive: true }));
  try {
    const lock = await lockFolder(folder).catch((error: unknown) => {
      throw inOurWords(error);
    });
    try {
      return await work();
    } finally {
      await lock.release();
    }
  } finally {
    if (firstMade !== undefined) await removeIfEmpty(folder);
  }
}

/**
 * The manifest of an earlier download of the same model; undefined in an empty folder.
 *
 * @throws ClaqError output/not-empty where something else is there
 */
export async function earlierDownload(folder: string, repository: string): Promise<Manifest | undefined> {
  const manifest = await readManifest(folder);
  if (manifest === undefined) {
    const entries = (await readdir(folder)).filter((name) => name !== LOCK_FILE);
    const [first] = entries.toSorted();
    if (first === undefined) return undefined;
    throw notEmpty(folder, entries.length === 1 ? first : `${entries.length} entries, among them ${first}`);
  }
  if (manifest === 'unreadable') throw notEmpty(folder, `a ${MANIFEST_FILE} that is not this program's`);
  if (manifest.repository !== repository) throw notEmpty(folder, `a download of ${manifest.repository}`);
  return manifest;
}

export function isComplete({ files }: Manifest): boolean {
  return files.every(({ whole }) => whole);
}

/** A whole model that something may be made from is not replaced by another state of it. */
export function requireSameCommit(folder: string, earlier: Manifest | undefined, commit: string): void {
  if (earlier === undefined || earlier.commit === commit || !isComplete(earlier)) return;
  throw notEmpty(
    folder,
    `${earlier.repository} at commit ${earlier.commit}, complete; asked for is ${commit}`,
  );
}

/** Bytes of each file that are in the folder: all of one that is whole, or of its partial file. */
export type Present = ReadonlyMap<string, { readonly bytes: number; readonly whole: boolean }>;

/**
 * Sorts what an earlier download left: what belongs to these files stays, as partial files where it is not known to be whole;
 * the rest goes, so that weights of another commit can't be taken for this one's.
 */
export async function sortLeftovers(
  folder: string,
  earlier: Manifest | undefined,
  files: readonly HubFile[],
): Promise<Present> {
  const present = new Map<string, { bytes: number; whole: boolean }>();
  const wanted = new Map(files.map((file) => [file.name, file]));
  for (const { name, hash, whole } of earlier?.files ?? []) {
    const path = join(folder, name);
    const file = wanted.get(name);
    if (file?.hash !== hash) {
      await rm(path, { force: true });
      await rm(path + PARTIAL, { force: true });
      continue;
    }
    const size = await sizeOf(path);
    if (whole && size === file.bytes) {
      present.set(name, { bytes: size, whole });
      continue;
    }
    // It got its name just before the power went, or was changed since: its hash will tell.
    if (size !== undefined) await outputErrors(path, () => rename(path, path + PARTIAL));
    const partial = (await sizeOf(path + PARTIAL)) ?? 0;
    if (partial > file.bytes) await rm(path + PARTIAL);
    else present.set(name, { bytes: partial, whole: false });
  }
  return present;
}

/** @throws ClaqError output/disk-full */
export async function requireRoom(
  folder: string,
  neededBytes: number,
  freeBytes: (folder: string) => Promise<number>,
): Promise<void> {
  if (neededBytes === 0) return;
  const free = await freeBytes(folder);
  const needed = neededBytes + SPARE_BYTES;
  if (free >= needed) return;
  throw new ClaqError('output/disk-full', 'The disk has too little free space for this model', {
    where: folder,
    expected: `${readableBytes(needed)} free (${needed} bytes)`,
    found: `${readableBytes(free)} free (${free} bytes)`,
    remedy: 'free some space, or choose a folder on another disk',
  });
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function notEmpty(folder: string, found: string): ClaqError {
  return new ClaqError('output/not-empty', 'The folder holds something other than this download', {
    where: folder,
    expected: 'a new folder, an empty one, or one with an unfinished download of the same model',
    found,
    remedy: 'choose another folder',
  });
}

/** The lock speaks of runs. */
function inOurWords(error: unknown): unknown {
  if (!(error instanceof ClaqError) || error.code !== 'output/in-use') return error;
  return new ClaqError('output/in-use', 'Another download into this folder is at work', {
    ...(error.where === undefined ? {} : { where: error.where }),
    ...(error.found === undefined ? {} : { found: error.found }),
    remedy: 'wait for it to end; if it is no longer running, delete the file named above',
    cause: error,
  });
}
