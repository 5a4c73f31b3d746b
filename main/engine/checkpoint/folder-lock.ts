import { readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { locks } from 'node:worker_threads';
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import { writeTextAtomically } from './atomic-file.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { unlessItExists } from './unless-it-exists.ts';

export const LOCK_FILE = 'run.lock';
const TAKEOVER_FILE = 'run.lock.takeover';

const lockSchema = z.object({ pid: z.int().positive(), host: z.string(), since: z.iso.datetime() });
type Lock = z.infer<typeof lockSchema>;

export interface FolderLock {
  /** Safe to call more than once. */
  release(): Promise<void>;
}

/**
 * Takes the folder for this thread: among the threads of this process by a name, among processes by creating its lock file.
 * The lock of a thread or a process that died is taken over.
 *
 * @param folder absolute path of an existing folder
 * @throws ClaqError output/in-use, saying which process holds it and since when
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, LOCK_FILE);
  // One folder has one name, however it is spelled.
  const letGo = await takeName(`folder ${await realpath(folder)}`);
  if (letGo === undefined) throw inUse(path, await readLock(path));
  try {
    await createLock(folder);
  } catch (error) {
    letGo();
    throw error;
  }
  let released = false;
  return {
    async release() {
      if (released) return;
      released = true;
      try {
        await rm(path, { force: true });
      } finally {
        letGo();
      }
    },
  };
}

/**
 * Takes a name among all threads of this process, until it is let go or its thread ends. A process' own pid in a lock file
 * does not tell which of its threads wrote it, nor whether that one is still there.
 * @returns lets it go; undefined where another has it
 */
function takeName(name: string): Promise<(() => void) | undefined> {
  const held = Promise.withResolvers<undefined>();
  return new Promise((resolve, reject) => {
    const wholeTime = async (lock: unknown): Promise<void> => {
      resolve(lock === null ? undefined : () => held.resolve(undefined));
      if (lock !== null) await held.promise;
    };
    locks.request(name, { ifAvailable: true }, wholeTime).catch(reject);
  });
}

/** Writes the lock file, by whoever has the folder's name in this process. */
async function createLock(folder: string): Promise<void> {
  const path = join(folder, LOCK_FILE);
  const content = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
  } satisfies Lock);
  if (await createExclusively(path, content)) return;
  const holder = await readLock(path);
  if (holder === undefined || isHeld(holder)) throw inUse(path, holder);
  await takeOver(folder, content);
}

/** Only one process at a time may replace a dead one's lock, and only after it has looked again. */
async function takeOver(folder: string, content: string): Promise<void> {
  const path = join(folder, LOCK_FILE);
  const takeover = join(folder, TAKEOVER_FILE);
  if (!(await createExclusively(takeover, content))) throw inUse(takeover, await readLock(takeover));
  try {
    const holder = await readLock(path);
    if (holder === undefined || isHeld(holder)) throw inUse(path, holder);
    await writeTextAtomically(path, content);
  } finally {
    await rm(takeover, { force: true });
  }
}

/** Creates the file with its content; false if it is there already. */
async function createExclusively(path: string, content: string): Promise<boolean> {
  return unlessItExists(path, () => writeFile(path, content, { flag: 'wx', flush: true }));
}

/** Undefined for a lock that can't be read: perhaps its owner is just writing it, so it counts as held. */
async function readLock(path: string): Promise<Lock | undefined> {
  try {
    return lockSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

function isHeld(lock: Lock): boolean {
  // Another machine's processes can't be asked; on a shared disk its lock has to be believed.
  if (lock.host !== hostname()) return true;
  // Who asks has the folder's name in this process: a thread of it that wrote the lock is gone.
  return lock.pid !== process.pid && isAlive(lock.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, but belongs to someone else.
    return systemErrorCode(error) !== 'ESRCH';
  }
}

function inUse(path: string, holder: Lock | undefined): ClaqError {
  const who =
    holder === undefined
      ? 'a process that left no name'
      : `process ${holder.pid} on ${holder.host} since ${holder.since}`;
  return new ClaqError('output/in-use', 'The output folder is in use by another run', {
    where: path,
    expected: 'a folder that no other run writes to',
    found: `held by ${who}`,
    remedy:
      'wait for that run to end or choose another folder; if it is no longer running, delete the file named above',
  });
}
