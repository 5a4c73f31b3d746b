/** One file of a commit, from wherever the hub keeps it, to its place in the model's folder. */
import { join } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import type { HubFile } from './content-hash.ts';
import { ask } from './hub-answer.ts';
import { changedFile, malformedAnswer } from './hub-refusal.ts';
import { fileUrl, hostOf, type HubSession } from './hub-session.ts';
import { PartialFile } from './partial-file.ts';
import { LONG_PATIENCE, PassingTrouble, withRetries } from './retries.ts';

/** A try that brought so much was not in vain: a bad line may still carry a large model. */
const WORTHWHILE_BYTES = 2 ** 20;

export interface Fetching {
  readonly session: HubSession;
  readonly commit: string;
  /** Of the model. */
  readonly folder: string;
  /** Bytes that came; negative where what was there is of no use. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Fetches the file, behind what an earlier call left of it, and gives it its name when it has the size and the hash that the
 * hub lists. What came before a failure stays for the next call.
 *
 * The library's own downloadFile is not used: its blobs do not tell whether a server has honoured a range, nor what it
 * answered where it failed.
 *
 * @throws ClaqError hub/*, output/*, run/cancelled
 */
export async function fetchFile(
  file: HubFile,
  { session, commit, folder, onBytes }: Fetching,
): Promise<void> {
  const { source, signal } = session;
  const path = join(folder, file.name);
  const url = fileUrl(source, commit, file.name);
  const part = await PartialFile.open(path, file, signal);
  const restart = async (): Promise<void> => {
    onBytes(-part.length);
    await part.restart();
  };
  try {
    for (;;) {
      await fetchRest(file, part, { session, url, onBytes, restart });
      const found = part.contentHash();
      if (found === file.hash) break;
      const { inherited } = part;
      await restart();
      if (!inherited) throw changedFile(url.href, file.hash, found);
    }
    await part.keep();
  } catch (error) {
    if (error instanceof ClaqError && error.code === 'hub/changed') await part.discard();
    throw error;
  } finally {
    await part.close();
  }
}

interface Rest {
  readonly session: HubSession;
  readonly url: URL;
  readonly onBytes: (bytes: number) => void;
  readonly restart: () => Promise<void>;
}

/** All bytes that are not there yet, in as many tries as that takes. */
async function fetchRest(
  file: HubFile,
  part: PartialFile,
  { session, url, onBytes, restart }: Rest,
): Promise<void> {
  const { source, signal, onNote, wait, silenceMilliseconds } = session;
  let furthest = part.length;
  const gotFurther = (): boolean => {
    const further = part.length >= furthest + WORTHWHILE_BYTES;
    furthest = Math.max(furthest, part.length);
    return further;
  };
  const attempt = async (): Promise<void> => {
    if (part.length === file.bytes) return;
    const headers: Record<string, string> = part.length === 0 ? {} : { range: `bytes=${part.length}-` };
    await ask({ source, url, headers, signal, silenceMilliseconds }, async (response, pieces) => {
      // A server that does not know ranges sends the whole file.
      if (response.status !== 206 && part.length > 0) await restart();
      requireExpectedAnswer(response, file, part.length, url);
      for await (const piece of pieces) {
        if (part.length + piece.length > file.bytes)
          throw changedFile(url.href, `${file.bytes} bytes`, 'more');
        await part.append(piece);
        onBytes(piece.length);
      }
    });
    if (part.length < file.bytes) throw new PassingTrouble('the connection ended before the file did');
  };
  const host = hostOf(source);
  await withRetries(attempt, { signal, onNote, wait, host, patience: LONG_PATIENCE, gotFurther });
}

/** Before a byte of it is written: the answer begins where it should, and belongs to a file of the right size. */
function requireExpectedAnswer(response: Response, file: HubFile, from: number, url: URL): void {
  if (response.status === 206) {
    const header = response.headers.get('content-range') ?? 'no Content-Range';
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header) ?? [];
    if (Number(start) !== from) throw malformedAnswer(url.href, `the bytes from ${from} on`, header);
    if (total !== '*' && Number(total) !== file.bytes)
      throw changedFile(url.href, `${file.bytes} bytes`, header);
    return;
  }
  const length = response.headers.get('content-length');
  if (length !== null && Number(length) !== file.bytes) {
    throw changedFile(url.href, `${file.bytes} bytes`, `${length} bytes`);
  }
}
