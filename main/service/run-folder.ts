import { mkdir, readdir, statfs } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ClaqError } from '../../shared/errors.ts';
import { readableBytes } from '../../shared/readable-quantities.ts';
import { outputErrors, writeTextAtomically } from '../engine/checkpoint/atomic-file.ts';
import { folderBytes, removeIfEmpty } from './folder-contents.ts';
import { LOCK_FILE, lockFolder, type FolderLock } from '../engine/checkpoint/folder-lock.ts';
import { unlessItExists } from '../engine/checkpoint/unless-it-exists.ts';

/** Every setting and figure of a run. It is written first, so that its presence tells that a folder is a run. */
export const RUN_FILE = 'run.json';

/** Where runs go when no folder is named, relative to the working folder. */
export const RUNS_FOLDER = 'runs';

/** A counter that runs this far means that something other than runs fills the folder. */
const MAX_RUN_NUMBER = 100_000;

export interface RunFolderRequest {
  /** Folder to use; undefined for `runs/<model>-<budget>-<n>` with the first free n. */
  readonly folder?: string | undefined;
  /** The model's folder; its last part names the run. */
  readonly model: string;
  /** Label of the budget, for example `2.12`. */
  readonly budget: string;
  /** Bytes that the run will write. */
  readonly neededBytes: number;
}

export interface RunFolder {
  /** Absolute path. */
  readonly folder: string;
  /** True where the folder held a run already. */
  readonly existing: boolean;
  /** Writes run.json whole or not at all. */
  writeRun(run: unknown): Promise<void>;
  /** Lets the folder go; a folder made for this run that stayed empty is removed. Safe to call more than once. */
  release(): Promise<void>;
}

/**
 * Makes or reopens a run's folder, locks it, and checks that what will be written fits on its disk.
 *
 * @throws ClaqError output/not-empty, output/numbers-taken, output/in-use, output/disk-full, output/not-writable
 */
export async function openRunFolder(request: RunFolderRequest): Promise<RunFolder> {
  const { folder, created } =
    request.folder === undefined ? await nextFolder(request) : await namedFolder(resolve(request.folder));
  try {
    const lock = await lockFolder(folder);
    try {
      const existing = await isRun(folder);
      // What an unfinished run left there is gone on with or removed.
      await requireFreeSpace(folder, Math.max(0, request.neededBytes - (await folderBytes(folder))));
      return {
        folder,
        existing,
        writeRun: (run) => writeRunFile(folder, run),
        release: () => letGo(folder, created, lock),
      };
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    if (created) await removeIfEmpty(folder);
    throw error;
  }
}

/** Writes run.json whole or not at all, into a folder that the caller has locked. */
export async function writeRunFile(folder: string, run: unknown): Promise<void> {
  await writeTextAtomically(join(folder, RUN_FILE), `${JSON.stringify(run, undefined, 2)}\n`);
}

/** Making the folder is what takes its number: two runs that start together can't get the same one. */
async function nextFolder({
  model,
  budget,
}: RunFolderRequest): Promise<{ folder: string; created: boolean }> {
  const parent = resolve(RUNS_FOLDER);
  const stem = fileNamePart(`${basename(resolve(model))}-${budget}`);
  await makeFolder(parent);
  for (let number = 1; number <= MAX_RUN_NUMBER; number++) {
    const folder = join(parent, `${stem}-${number}`);
    if (await unlessItExists(folder, () => mkdir(folder))) return { folder, created: true };
  }
  throw new ClaqError('output/numbers-taken', `All run numbers up to ${MAX_RUN_NUMBER} are taken`, {
    where: join(parent, stem),
    remedy: 'name a folder with --out',
  });
}

/** Letters that every file system takes in a name. */
function fileNamePart(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._+-]+/g, '-');
}

async function namedFolder(folder: string): Promise<{ folder: string; created: boolean }> {
  const created = await makeFolder(folder);
  if (!created) {
    const entries = await outputErrors(folder, () => readdir(folder));
    const ours = entries.length === 0 || entries.includes(RUN_FILE) || entries.includes(LOCK_FILE);
    if (!ours) {
      throw new ClaqError('output/not-empty', 'The output folder holds something other than a run', {
        where: folder,
        expected: `an empty folder, a new one, or a run's folder with a ${RUN_FILE}`,
        found:
          entries.length === 1
            ? entries.join()
            : `${entries.length} entries, among them ${entries.toSorted()[0] ?? ''}`,
        remedy: 'choose another folder with --out',
      });
    }
  }
  return { folder, created };
}

/** True if the folder was not there before. */
async function makeFolder(folder: string): Promise<boolean> {
  let firstMade: string | undefined;
  if (await unlessItExists(folder, async () => (firstMade = await mkdir(folder, { recursive: true })))) {
    return firstMade !== undefined;
  }
  throw new ClaqError('output/not-writable', 'The output folder is a file', {
    where: folder,
    expected: 'a folder, or a path that does not exist yet',
    found: 'a file',
    remedy: 'choose another folder with --out',
  });
}

async function isRun(folder: string): Promise<boolean> {
  return (await readdir(folder)).includes(RUN_FILE);
}

/**
 * @throws ClaqError output/disk-full when the folder's disk has fewer free bytes than needed
 */
export async function requireFreeSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new ClaqError('output/disk-full', 'The disk has too little free space for this run', {
    where: folder,
    expected: `${readableBytes(neededBytes)} free (${neededBytes} bytes)`,
    found: `${readableBytes(freeBytes)} free (${freeBytes} bytes)`,
    remedy: 'free some space or choose a folder on another disk with --out',
  });
}

async function letGo(folder: string, created: boolean, lock: FolderLock): Promise<void> {
  await lock.release();
  if (created) await removeIfEmpty(folder);
}
