/** Downloads a model from a Hugging Face hub into a folder, from which it can be opened. */
import { rm, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import { writeAtomically } from '../../engine/checkpoint/atomic-file.ts';
import { validRequest } from '../valid-request.ts';
import type { HubFile } from './content-hash.ts';
import {
  earlierDownload,
  isComplete,
  type Present,
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
import { type DownloadPlan, planDownload } from './plan-download.ts';
import { realWait, type Wait } from './retries.ts';

/** More connections get no more out of a line, and are unkind to the hub. */
const FILES_AT_A_TIME = 2;
const PHASE = 'Downloading';

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
  throwIfCancelled(hooks.signal, 'download');
  return await withDownloadFolder(folder, async () => {
    const earlier = await earlierDownload(folder, repository);
    const goesOn = earlier !== undefined && !isComplete(earlier) && earlier.revision === revision;
    const session: HubSession = {
      source: { hub, repository, revision: goesOn ? earlier.commit : revision },
      signal: hooks.signal,
      onNote: hooks.onNote,
      wait: place.wait,
      silenceMilliseconds: place.silenceMilliseconds,
    };
    const commit = await currentCommit(session);
    requireSameCommit(folder, earlier, commit);
    const plan = await planDownload(session, commit);
    const { files } = plan;
    const present = await sortLeftovers(folder, earlier, files);
    const bytes = sum(files.map((file) => file.bytes));
    await requireRoom(folder, bytes - presentBytes(present), place.freeBytes);
    const record = { hub: hub.url, repository, revision, commit };
    await fetchMissing(plan, { folder, session, present, record, onProgress: hooks.onProgress });
    return { folder, commit, files: files.map(({ name }) => name), bytes };
  });
}

interface Target extends Pick<RunHooks, 'onProgress'> {
  readonly folder: string;
  readonly session: HubSession;
  readonly present: Present;
  readonly record: ConstructorParameters<typeof DownloadManifest>[1];
}

/** Fetches what is not there whole, and records each file that then is. */
async function fetchMissing({ commit, files, read }: DownloadPlan, target: Target): Promise<void> {
  const { folder, session, present, record, onProgress } = target;
  const isWhole = (file: HubFile): boolean => present.get(file.name)?.whole === true;
  const manifest = new DownloadManifest(
    folder,
    record,
    files.map((file) => ({ ...file, whole: isWhole(file) })),
  );
  await manifest.write();

  const total = sum(files.map((file) => file.bytes));
  let done = presentBytes(present);
  onProgress?.({ phase: PHASE, done, total, unit: 'bytes' });
  const missing = files.filter((file) => !isWhole(file));
  await severalAtATime(missing, session.signal, async (file, signal) => {
    const onBytes = (bytes: number): void => {
      done += bytes;
      onProgress?.({ phase: PHASE, done, total, unit: 'bytes', detail: file.name });
    };
    const path = join(folder, file.name);
    const content = read.get(file.name);
    if (content === undefined) {
      await fetchFile(file, { session: { ...session, signal }, commit, folder, onBytes });
    } else {
      await writeAtomically(path, (write) => write(content));
      await rm(path + PARTIAL, { force: true });
      onBytes(content.length - (present.get(file.name)?.bytes ?? 0));
    }
    await manifest.markWhole(file);
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

function presentBytes(present: Present): number {
  return sum([...present.values()].map(({ bytes }) => bytes));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
