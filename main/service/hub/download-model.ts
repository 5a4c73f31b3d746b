/** Downloads a model from a Hugging Face hub into a folder, from which it can be opened. */
import { rm, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { RunHooks } from '../../../shared/requests.ts';
import { writeAtomically } from '../../engine/checkpoint/atomic-file.ts';
import { validRequest } from '../valid-request.ts';
import type { HubFile } from './content-hash.ts';
import {
  earlierDownload,
  isComplete,
  requireRoom,
  requireSameCommit,
  sortLeftovers,
  withDownloadFolder,
} from './download-folder.ts';
import { DownloadManifest } from './download-manifest.ts';
import { fetchFile } from './fetch-file.ts';
import { type AskedHub, hubAddress } from './hub-address.ts';
import { SILENCE_MILLISECONDS } from './hub-answer.ts';
import type { HubSession } from './hub-session.ts';
import { currentCommit } from './model-listing.ts';
import { PARTIAL } from './partial-file.ts';
import { planDownload } from './plan-download.ts';
import { realWait, throwIfCancelled, type Wait } from './retries.ts';

/** More connections get no more out of a line, and are unkind to the hub. */
const FILES_AT_A_TIME = 2;

const requestSchema = z.object({
  repository: z
    .string()
    .max(200)
    .regex(/^\w[\w.-]*\/\w[\w.-]*$/, 'a repository has the form owner/name'),
  revision: z
    .string()
    .regex(/^[^\p{Cc}\s]{1,200}$/u, 'a revision is the name of a branch or a tag, or a commit'),
  folder: z.string().min(1, 'a path may not be empty'),
});

export interface DownloadRequest extends AskedHub {
  /** `owner/name` */
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** New, empty, or with what an earlier download of the same model left. */
  readonly folder: string;
}

export interface DownloadSummary {
  /** Absolute path. */
  readonly folder: string;
  readonly commit: string;
  /** Their names. */
  readonly files: readonly string[];
  /** Of all of them. */
  readonly bytes: number;
}

/** What a download has from its machine; given from outside only in tests. */
export interface DownloadPlace {
  readonly env: NodeJS.ProcessEnv;
  /** Bytes that may be written on the disk of a folder. */
  readonly freeBytes: (folder: string) => Promise<number>;
  readonly wait: Wait;
  /** After so long without a byte a connection counts as dead. */
  readonly silenceMilliseconds: number;
}

const thisMachine: DownloadPlace = {
  env: process.env,
  async freeBytes(folder) {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
  wait: realWait,
  silenceMilliseconds: SILENCE_MILLISECONDS,
};

/**
 * Downloads what a model folder needs, at the commit that the revision stands for. An unfinished download of the same
 * revision goes on at its own commit, behind the bytes that are there. Files appear under their names when they have the
 * size and the hash that the hub lists; one that is there whole is not fetched again.
 *
 * @throws ClaqError request/invalid, hub/*, model/*, weights/*, output/*, run/cancelled; what came until then stays
 */
export async function downloadModel(
  request: DownloadRequest,
  hooks: RunHooks = {},
  place: DownloadPlace = thisMachine,
): Promise<DownloadSummary> {
  const { repository, revision, folder: asked } = request;
  const valid = validRequest(requestSchema, { repository, revision, folder: asked });
  const hub = hubAddress(request, place.env);
  const folder = resolve(valid.folder);
  throwIfCancelled(hooks.signal);
  return await withDownloadFolder(folder, async () => {
    const earlier = await earlierDownload(folder, repository);
    const goesOn = earlier !== undefined && !isComplete(earlier) && earlier.revision === revision;
    const { signal, onNote } = hooks;
    const { wait, silenceMilliseconds } = place;
    const source = { hub, repository, revision: goesOn ? earlier.commit : revision };
    const session: HubSession = { source, signal, onNote, wait, silenceMilliseconds };

    const commit = await currentCommit(session);
    requireSameCommit(folder, earlier, commit);
    const { files, read } = await planDownload(session, commit);
    const present = await sortLeftovers(folder, earlier, files);
    const bytes = sum(files.map((file) => file.bytes));
    const there = sum([...present.values()].map((each) => each.bytes));
    await requireRoom(folder, bytes - there, place.freeBytes);

    const isWhole = (file: HubFile): boolean => present.get(file.name)?.whole === true;
    const manifest = new DownloadManifest(
      folder,
      { hub: hub.url, repository, revision, commit },
      files.map((file) => ({ ...file, whole: isWhole(file) })),
    );
    await manifest.write();

    let done = there;
    const report = (more: number, detail?: string): void => {
      done += more;
      const progress = { phase: 'Downloading', done, total: bytes, unit: 'bytes' } as const;
      hooks.onProgress?.(detail === undefined ? progress : { ...progress, detail });
    };
    report(0);
    const missing = files.filter((file) => !isWhole(file));
    await severalAtATime(missing, signal, async (file, either) => {
      const onBytes = (more: number): void => report(more, file.name);
      const content = read.get(file.name);
      if (content === undefined) {
        await fetchFile(file, { session: { ...session, signal: either }, commit, folder, onBytes });
      } else {
        await writeAtomically(join(folder, file.name), (write) => write(content));
        await rm(join(folder, file.name + PARTIAL), { force: true });
        onBytes(content.length - (present.get(file.name)?.bytes ?? 0));
      }
      await manifest.markWhole(file);
    });
    return { folder, commit, files: files.map(({ name }) => name), bytes };
  });
}

/** Runs `work` for all items; when one fails the others are called off, and waited for. */
async function severalAtATime<T>(
  items: readonly T[],
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const ending = new AbortController();
  const either = signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]);
  const queue = items.values();
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item, either);
  };
  const lanes = Array.from({ length: FILES_AT_A_TIME }, lane);
  try {
    await Promise.all(lanes);
  } finally {
    ending.abort();
    await Promise.allSettled(lanes);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
