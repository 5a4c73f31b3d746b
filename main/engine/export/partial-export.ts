/**
 * A folder that is being written: `.NAME.partial` beside the one that it becomes. A journal in it says which files are whole, so
 * that an export that was cancelled or killed goes on behind them.
 */
import { mkdir, readFile, readdir, rm, rmdir, rename, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { outputErrors, syncFolder, writeTextAtomically } from '../checkpoint/atomic-file.ts';
import { hashFile } from '../checkpoint/file-hash.ts';
import { type FolderLock, LOCK_FILE, lockFolder } from '../checkpoint/folder-lock.ts';

const JOURNAL_FILE = '.journal.json';

const journalSchema = z.strictObject({
  /** Whatever decides the bytes of the files. */
  identity: z.string(),
  files: z.record(z.string(), z.strictObject({ bytes: z.int().nonnegative(), sha256: z.string() })),
});
type Journal = z.infer<typeof journalSchema>;

/** Where an export to `outFolder` is written until it is whole. */
export function partialFolder(outFolder: string): string {
  return join(dirname(outFolder), `.${basename(outFolder)}.partial`);
}

export class PartialExport {
  readonly folder: string;
  readonly #outFolder: string;
  readonly #lock: FolderLock;
  #journal: Journal;

  private constructor(outFolder: string, lock: FolderLock, journal: Journal) {
    this.folder = partialFolder(outFolder);
    this.#outFolder = outFolder;
    this.#lock = lock;
    this.#journal = journal;
  }

  /**
   * Opens or makes it, and keeps others out. What another export left there is removed.
   * @param outFolder absolute; does not exist yet or is empty
   * @param identity same text, same files
   * @throws ClaqError output/in-use, output/not-writable
   */
  static async open(outFolder: string, identity: string): Promise<PartialExport> {
    const folder = partialFolder(outFolder);
    await outputErrors(folder, () => mkdir(folder, { recursive: true }));
    const lock = await lockFolder(folder);
    try {
      const journal = await readJournal(folder);
      const kept: Journal = journal?.identity === identity ? journal : { identity, files: {} };
      await removeOthers(
        folder,
        new Set([LOCK_FILE, ...(kept === journal ? [JOURNAL_FILE] : []), ...Object.keys(kept.files)]),
      );
      return new PartialExport(outFolder, lock, kept);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Whether the file is there as an earlier export left it: size and SHA-256. */
  async has(name: string): Promise<boolean> {
    const entry = this.#journal.files[name];
    if (entry === undefined) return false;
    const path = join(this.folder, name);
    const size = await stat(path).then(
      (found) => found.size,
      () => undefined,
    );
    return size === entry.bytes && (await hashFile(path)) === entry.sha256;
  }

  /** Notes that a file is whole. @param onPiece as hashFile's */
  async finished(name: string, onPiece?: (bytes: number) => void): Promise<void> {
    const path = join(this.folder, name);
    const [{ size }, sha256] = [await stat(path), await hashFile(path, onPiece)];
    const { identity, files } = this.#journal;
    this.#journal = { identity, files: { ...files, [name]: { bytes: size, sha256 } } };
    await writeTextAtomically(join(this.folder, JOURNAL_FILE), JSON.stringify(this.#journal));
  }

  /** SHA-256 of a file that is whole. */
  sumOf(name: string): string | undefined {
    return this.#journal.files[name]?.sha256;
  }

  /** Names of the export's own files, so far. */
  async names(): Promise<string[]> {
    return (await readdir(this.folder)).filter((name) => name !== JOURNAL_FILE && name !== LOCK_FILE).sort();
  }

  /** Takes the name of the export. Throws ClaqError output/not-empty where something has appeared there. */
  async takeName(): Promise<void> {
    await refuseUsedFolder(this.#outFolder);
    await rm(join(this.folder, JOURNAL_FILE), { force: true });
    await this.#lock.release();
    await outputErrors(this.#outFolder, async () => {
      // rename replaces an empty folder on POSIX systems but not on Windows.
      await rmdir(this.#outFolder).catch(() => undefined);
      await rename(this.folder, this.#outFolder);
    });
    await syncFolder(dirname(this.#outFolder));
  }

  /** Leaves what is whole to the next one; without any such file nothing stays. */
  async leave(): Promise<void> {
    if (Object.keys(this.#journal.files).length === 0) await this.remove();
    else await this.#lock.release();
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    await this.#lock.release();
  }
}

/**
 * Deletes what an export to `outFolder` has left that was cancelled or killed; nothing where there is none. Throws ClaqError
 * output/in-use while one writes there.
 */
export async function discardPartialExport(outFolder: string): Promise<void> {
  const folder = partialFolder(outFolder);
  // A folder without a journal is not one that was made here.
  if ((await readJournal(folder)) === undefined) return;
  const lock = await lockFolder(folder);
  try {
    await outputErrors(folder, () => rm(folder, { recursive: true, force: true }));
  } finally {
    await lock.release();
  }
}

/** Undefined where there is none, or none that can be read: then nothing is kept. */
async function readJournal(folder: string): Promise<Journal | undefined> {
  const text = await readFile(join(folder, JOURNAL_FILE), 'utf8').catch(() => '');
  try {
    return journalSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** What another export has left, and what one that was killed had half-written. The folder itself stays: it is locked. */
async function removeOthers(folder: string, kept: ReadonlySet<string>): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names.filter((each) => !kept.has(each))) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Throws ClaqError output/not-empty where the folder holds anything. */
export async function refuseUsedFolder(folder: string): Promise<void> {
  const names = await outputErrors(folder, () =>
    readdir(folder).catch((error: unknown) => {
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw error;
    }),
  );
  if (names.length === 0) return;
  throw new ClaqError('output/not-empty', 'The output folder is not empty', {
    where: folder,
    expected: 'a folder that is empty or does not exist yet',
    found: names.slice(0, 3).join(', ') + (names.length > 3 ? `, ... (${names.length} entries)` : ''),
    remedy: 'choose another folder or empty this one',
  });
}
