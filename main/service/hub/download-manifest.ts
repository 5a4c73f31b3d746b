/** What a download wants and what of it is there, kept beside the files: with it the next call goes on. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { writeTextAtomically } from '../../engine/checkpoint/atomic-file.ts';
import { PORTABLE_NAME } from './choose-files.ts';
import { CONTENT_HASH, type HubFile } from './content-hash.ts';

export const MANIFEST_FILE = 'claq-download.json';
const MANIFEST_VERSION = 1;
/** Some 150 bytes a file, of which there are a thousand at most. */
const MAX_MANIFEST_BYTES = 2 ** 20;

const manifestSchema = z.object({
  version: z.literal(MANIFEST_VERSION),
  hub: z.string(),
  repository: z.string(),
  /** As it was asked for; the commit is what it stood for. */
  revision: z.string(),
  commit: z.string(),
  files: z.array(
    z.object({
      name: z.string().regex(PORTABLE_NAME),
      bytes: z.int().min(0),
      hash: z.string().regex(CONTENT_HASH),
      /** Fetched, compared with the hash, and under its own name. */
      whole: z.boolean(),
    }),
  ),
});
export type Manifest = Readonly<z.infer<typeof manifestSchema>>;
export type ManifestFile = Readonly<Manifest['files'][number]>;

/** Undefined where there is none; `unreadable` where it is not one of ours. */
export async function readManifest(folder: string): Promise<Manifest | 'unreadable' | undefined> {
  const path = join(folder, MANIFEST_FILE);
  try {
    if ((await stat(path)).size > MAX_MANIFEST_BYTES) return 'unreadable';
    const parsed = manifestSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : 'unreadable';
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) return 'unreadable';
    throw error;
  }
}

/** The manifest of a download that goes on. It is on the disk before the first file is. */
export class DownloadManifest {
  readonly #folder: string;
  readonly #record: Omit<Manifest, 'version' | 'files'>;
  readonly #files: Map<string, ManifestFile>;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(folder: string, record: Omit<Manifest, 'version' | 'files'>, files: readonly ManifestFile[]) {
    this.#folder = folder;
    this.#record = record;
    this.#files = new Map(files.map((file) => [file.name, file]));
  }

  /** Two files may end at the same time: their writes come one after the other. */
  async write(): Promise<void> {
    this.#lastWrite = this.#lastWrite.then(() => this.#writeNow());
    await this.#lastWrite;
  }

  async markWhole(file: HubFile): Promise<void> {
    this.#files.set(file.name, { ...file, whole: true });
    await this.write();
  }

  async #writeNow(): Promise<void> {
    const manifest = {
      version: MANIFEST_VERSION,
      ...this.#record,
      files: [...this.#files.values()],
    } satisfies Manifest;
    await writeTextAtomically(
      join(this.#folder, MANIFEST_FILE),
      `${JSON.stringify(manifest, undefined, 2)}\n`,
    );
  }
}
