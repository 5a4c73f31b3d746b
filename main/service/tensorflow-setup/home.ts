/** The folder that holds the variants: its lock, its leftovers, and room on its disk. */
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import { readableBytes } from '../../../shared/readable-quantities.ts';
import { outputErrors } from '../../engine/checkpoint/atomic-file.ts';
import { TENSORFLOW_VARIANTS } from '../../engine/tensors/tensorflow/installation.ts';
import { removeIfEmpty } from '../folder-contents.ts';
import { lockFolder } from '../../engine/checkpoint/folder-lock.ts';

/** Not a plain `downloads`: the user may name a folder with other things in it. */
export const DOWNLOADS_FOLDER = 'tensorflow-downloads';
/** Ending of what is half made or half removed: of no use to anyone when its process is gone. */
export const UNFINISHED = '.unfinished';

/**
 * Runs `work` with the folder for itself alone. The folder is made where it is missing, and removed where it stays empty.
 *
 * @throws ClaqError output/in-use, output/not-writable, and what `work` throws
 */
export async function withHome<T>(home: string, work: () => Promise<T>): Promise<T> {
  await outputErrors(home, () => mkdir(home, { recursive: true }));
  const lock = await lockFolder(home).catch((error: unknown) => {
    throw inOurWords(error);
  });
  try {
    await removeUnfinished(home);
    return await work();
  } finally {
    await lock.release();
    await removeIfEmpty(join(home, DOWNLOADS_FOLDER));
    await removeIfEmpty(home);
  }
}

/** @throws ClaqError output/disk-full */
export async function requireSpace(home: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  if (free >= neededBytes) return;
  throw new ClaqError('output/disk-full', 'The disk has too little free space for TensorFlow', {
    where: home,
    expected: `${readableBytes(neededBytes)} free while it is set up`,
    found: `${readableBytes(free)} free`,
    remedy: 'free some space, or name a folder on another disk in CLAQ_TENSORFLOW_HOME',
  });
}

async function removeUnfinished(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const [variant = ''] = name.split('.');
    const isOurs = name.endsWith(UNFINISHED) && TENSORFLOW_VARIANTS.some((each) => each === variant);
    if (isOurs) await rm(join(home, name), { recursive: true, force: true });
  }
}

/** The lock speaks of runs. */
function inOurWords(error: unknown): unknown {
  if (!(error instanceof ClaqError) || error.code !== 'output/in-use') return error;
  return new ClaqError('output/in-use', 'Another set-up of TensorFlow is at work', {
    ...(error.where === undefined ? {} : { where: error.where }),
    ...(error.found === undefined ? {} : { found: error.found }),
    remedy: 'wait for it to end; if it is no longer running, delete the file named above',
    cause: error,
  });
}
