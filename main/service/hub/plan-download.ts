/** What will be downloaded, known before the first file is written. */
import { parseConfig } from '../../engine/checkpoint/config.ts';
import { parseIndex } from '../../engine/checkpoint/model-folder.ts';
import { chooseFiles, recognizeModel } from './choose-files.ts';
import { contentHash, type HubFile } from './content-hash.ts';
import { changedFile } from './hub-refusal.ts';
import { fileUrl, type HubSession, readAnswer } from './hub-session.ts';
import { topFiles } from './model-listing.ts';

/** Some kilobytes; with long lists of labels some megabytes. */
const MAX_CONFIG_BYTES = 16 * 2 ** 20;
/** A line of about 100 bytes a tensor. */
const MAX_INDEX_BYTES = 64 * 2 ** 20;

export interface DownloadPlan {
  readonly commit: string;
  /** In the order in which they are fetched. */
  readonly files: readonly HubFile[];
  /** Contents of those that had to be read for the plan, by name. */
  readonly read: ReadonlyMap<string, Uint8Array>;
}

/**
 * Lists the commit, and reads config.json and the index of the shards: a model that cannot be opened here, or that its hub
 * does not give out, is refused before its weights are fetched.
 *
 * @throws ClaqError hub/*, model/*, weights/*, run/cancelled
 */
export async function planDownload(session: HubSession, commit: string): Promise<DownloadPlan> {
  const { repository } = session.source;
  const model = recognizeModel(repository, await topFiles(session, commit));
  const config = await readFile(session, commit, model.config, MAX_CONFIG_BYTES);
  parseConfig(new TextDecoder().decode(config), `${repository}/${model.config.name}`);
  const read = new Map([[model.config.name, config]]);
  if (model.weights.kind === 'single') return { commit, files: chooseFiles(model, []), read };
  const { index } = model.weights;
  const content = await readFile(session, commit, index, MAX_INDEX_BYTES);
  read.set(index.name, content);
  const weightMap = parseIndex(new TextDecoder().decode(content), `${repository}/${index.name}`);
  return { commit, files: chooseFiles(model, [...new Set(weightMap.values())]), read };
}

async function readFile(
  session: HubSession,
  commit: string,
  file: HubFile,
  maxBytes: number,
): Promise<Uint8Array> {
  const url = fileUrl(session.source, commit, file.name);
  const { bytes } = await readAnswer(session, url, maxBytes);
  if (contentHash(bytes, file) === file.hash) return bytes;
  throw changedFile(url.href, file.hash, contentHash(bytes, file));
}
