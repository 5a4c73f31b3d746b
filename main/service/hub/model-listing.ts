/** What a hub says about a model: its commit, and the files at its top. */
import { listFiles, modelInfo } from '@huggingface/hub';
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import type { HubFile } from './content-hash.ts';
import { malformedAnswer } from './hub-refusal.ts';
import { type HubSession, libraryFetch } from './hub-session.ts';

/** A page lists 1000 files in some 300 bytes each; what a model says of itself can be longer. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;
/** Ten pages. The largest models have some 300 files, repositories with a training's history some thousands. */
const MAX_ENTRIES = 10_000;
/** What file systems allow. */
const MAX_NAME_LENGTH = 255;
/** A terabyte: the largest published model has that much in all. */
const MAX_FILE_BYTES = 2 ** 40;

const COMMIT = /^[0-9a-f]{40}$/;
const commitSchema = z.string().regex(COMMIT);
const bytesSchema = z.int().min(0).max(MAX_FILE_BYTES);
const entrySchema = z.object({ type: z.string(), path: z.string().min(1) });
const fileSchema = z.object({
  oid: z.string().regex(/^[0-9a-f]{40}$/),
  size: bytesSchema,
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: bytesSchema }).optional(),
});

/**
 * The commit that the source's revision stands for now.
 * @throws ClaqError hub/*, run/cancelled
 */
export async function currentCommit(session: HubSession): Promise<string> {
  const { hub, repository, revision } = session.source;
  const where = `${hub.url}/api/models/${repository}`;
  const info: unknown = await understood(where, () =>
    modelInfo({
      name: repository,
      revision,
      additionalFields: ['sha'],
      hubUrl: hub.url,
      fetch: libraryFetch(session, MAX_ANSWER_BYTES),
    }),
  );
  const parsed = z.object({ sha: commitSchema }).safeParse(info);
  if (!parsed.success) {
    throw malformedAnswer(where, 'the hash of a commit', z.prettifyError(parsed.error));
  }
  const { sha } = parsed.data;
  if (COMMIT.test(revision) && sha !== revision) throw malformedAnswer(where, revision, sha);
  return sha;
}

/**
 * The files at the top of a commit: a model's are there, those in folders (originals, other formats) are not needed.
 * @throws ClaqError hub/*, run/cancelled
 */
export async function topFiles(session: HubSession, commit: string): Promise<HubFile[]> {
  const { hub, repository } = session.source;
  const where = `${hub.url}/api/models/${repository}/tree/${commit}`;
  return await understood(where, async () => {
    const files: HubFile[] = [];
    let entries = 0;
    for await (const entry of listFiles({
      repo: { type: 'model', name: repository },
      revision: commit,
      hubUrl: hub.url,
      fetch: libraryFetch(session, MAX_ANSWER_BYTES),
    })) {
      if (++entries > MAX_ENTRIES) throw malformedAnswer(where, `at most ${MAX_ENTRIES} files`, 'more');
      const file = parseEntry(entry, where);
      if (file !== undefined) files.push(file);
    }
    return files;
  });
}

/** Undefined for what is no file. A path that is no plain name has no place at the top: it wants to lead somewhere else. */
function parseEntry(entry: unknown, where: string): HubFile | undefined {
  const named = entrySchema.safeParse(entry);
  if (!named.success) throw malformedAnswer(where, 'files', z.prettifyError(named.error));
  const { type, path } = named.data;
  if (type !== 'file') return undefined;
  if (path === '.' || path === '..' || path.length > MAX_NAME_LENGTH || /[/\\\p{Cc}]/u.test(path)) {
    throw malformedAnswer(where, 'plain names of files', JSON.stringify(path.slice(0, MAX_NAME_LENGTH)));
  }
  const file = fileSchema.safeParse(entry);
  if (!file.success) throw malformedAnswer(where, `size and hash of ${path}`, z.prettifyError(file.error));
  const { oid, size, lfs } = file.data;
  return lfs === undefined
    ? { name: path, bytes: size, hash: `git:${oid}` }
    : { name: path, bytes: lfs.size, hash: `sha256:${lfs.oid}` };
}

/** Runs a call of the library, which lets through what our fetch throws, and fails in its own ways on what it does not expect. */
async function understood<T>(where: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof ClaqError) throw error;
    throw malformedAnswer(where, 'JSON', error instanceof Error ? error.message : String(error), error);
  }
}
