/** A small model on a local hub, and downloads from it that never wait. */
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { onTestFinished } from 'vitest';
import { DEMO_MODEL } from '../../../main/service/bundled-texts.ts';
import { hashFile } from '../../../main/engine/checkpoint/file-hash.ts';
import {
  downloadModel,
  type DownloadPlace,
  type DownloadRequest,
  type DownloadSummary,
} from '../../../main/service/hub/download-model.ts';
import type { Progress } from '../../../shared/progress.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { type LocalHub, type LocalHubOptions, type LocalRepository, startLocalHub } from './local-hub.ts';

export const REPOSITORY = 'owner/small';
export const WEIGHTS = 'model.safetensors';
/** Several reads of a socket, so that a download can be stopped in between. */
export const WEIGHTS_BYTES = 600_000;

export function noise(length: number, seed: number): Uint8Array {
  const generator = xoroshiro128plus(seed);
  return Uint8Array.from({ length }, () => generator.next() & 0xff);
}

const WEIGHTS_CONTENT = noise(WEIGHTS_BYTES, 1);

/** A folder with the demo's config and weights of noise: what a download looks at. */
export async function smallModel(files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<string> {
  const folder = await temporaryFolder();
  await copyFile(join(DEMO_MODEL, 'config.json'), join(folder, 'config.json'));
  const all = { 'tokenizer_config.json': '{}', [WEIGHTS]: WEIGHTS_CONTENT, ...files };
  for (const [name, content] of Object.entries(all)) await writeFile(join(folder, name), content);
  return folder;
}

/** A hub with one repository, closed when the test ends. */
export async function hubWith(
  files: string,
  options: Omit<LocalHubOptions, 'repositories'> & { readonly repository?: Partial<LocalRepository> } = {},
): Promise<LocalHub> {
  const { repository, ...rest } = options;
  const hub = await startLocalHub({
    repositories: { [REPOSITORY]: { revision: 'main', files, ...repository } },
    ...rest,
  });
  onTestFinished(() => hub.close());
  return hub;
}

/** A path in a folder of the test's own at which there is nothing yet. */
export async function newFolder(): Promise<string> {
  return join(await temporaryFolder(), 'model');
}

export interface Followed {
  readonly hooks: RunHooks;
  readonly place: DownloadPlace;
  readonly progress: Progress[];
  /** Milliseconds of each wait that was asked for. */
  readonly waits: number[];
  readonly notes: string[];
}

/** Hooks and place that write down what they are told. */
export function followed(changes: Partial<DownloadPlace> = {}, signal?: AbortSignal): Followed {
  const progress: Progress[] = [];
  const waits: number[] = [];
  const notes: string[] = [];
  return {
    progress,
    waits,
    notes,
    hooks: {
      signal,
      onProgress: (each) => progress.push(each),
      onNote: (line) => notes.push(line),
    },
    place: {
      env: {},
      freeBytes: () => Promise.resolve(Number.MAX_SAFE_INTEGER),
      wait: (milliseconds) => {
        waits.push(milliseconds);
        return Promise.resolve();
      },
      silenceMilliseconds: 60_000,
      ...changes,
    },
  };
}

export async function download(
  hub: LocalHub,
  folder: string,
  { hooks, place }: Pick<Followed, 'hooks' | 'place'> = followed(),
  request: Partial<DownloadRequest> = {},
): Promise<DownloadSummary> {
  const whole = { repository: REPOSITORY, revision: 'main', folder, hubUrl: hub.url, ...request };
  return await downloadModel(whole, hooks, place);
}

/** Downloads until the weights have come at least half, and is called off then. Returns the bytes of them that stay. */
export async function downloadHalf(hub: LocalHub, folder: string): Promise<number> {
  const controller = new AbortController();
  const { place } = followed();
  let come = 0;
  let before = 0;
  const onProgress = ({ done, detail }: Progress): void => {
    if (detail === WEIGHTS) come += done - before;
    before = done;
    if (come >= WEIGHTS_BYTES / 2) controller.abort();
  };
  const cancelled = await download(hub, folder, {
    hooks: { signal: controller.signal, onProgress },
    place,
  }).catch((error: unknown) => error);
  if (!controller.signal.aborted) throw cancelled;
  return (await readFile(join(folder, `${WEIGHTS}.partial`))).length;
}

/** SHA-256 of each file of a folder, but for the download's own. */
export async function contentsOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).filter((name) => name !== 'claq-download.json').toSorted();
  const hashes: Record<string, string> = {};
  for (const name of names) hashes[name] = await hashFile(join(folder, name));
  return hashes;
}
