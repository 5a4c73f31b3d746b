/** What all questions of one download have in common, and the answers that are small enough to be held in memory. */
import type { RunHooks } from '../../../shared/requests.ts';
import { ask } from './hub-answer.ts';
import { malformedAnswer, type ModelSource } from './hub-refusal.ts';
import { SHORT_PATIENCE, type Wait, withRetries } from './retries.ts';

export interface HubSession extends Pick<RunHooks, 'signal' | 'onNote'> {
  readonly source: ModelSource;
  readonly wait: Wait;
  readonly silenceMilliseconds: number;
}

/** `huggingface.co` */
export function hostOf({ hub }: ModelSource): string {
  return new URL(hub.origin).host;
}

/** Where a file of a commit is fetched, whatever stores it. */
export function fileUrl({ hub, repository }: ModelSource, commit: string, name: string): URL {
  return new URL(`${hub.url}/${repository}/resolve/${commit}/${encodeURIComponent(name)}`);
}

/**
 * A whole answer, tried several times.
 *
 * @throws ClaqError hub/not-found, hub/needs-token, hub/unreachable, hub/malformed (longer than `maxBytes`), run/cancelled
 */
export async function readAnswer(
  session: HubSession,
  url: URL,
  maxBytes: number,
): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly headers: Headers }> {
  const { source, signal, onNote, wait, silenceMilliseconds } = session;
  const attempt = (): Promise<{ bytes: Uint8Array<ArrayBuffer>; headers: Headers }> =>
    ask({ source, url, signal, silenceMilliseconds }, async ({ headers }, pieces) => {
      const read: Uint8Array[] = [];
      let length = 0;
      for await (const piece of pieces) {
        read.push(piece);
        length += piece.length;
        if (length > maxBytes) throw malformedAnswer(url.href, `at most ${maxBytes} bytes`, 'more');
      }
      return { bytes: Uint8Array.from(Buffer.concat(read)), headers };
    });
  return await withRetries(attempt, { signal, onNote, wait, host: hostOf(source), patience: SHORT_PATIENCE });
}

/** fetch for the library of the hub, which shall know neither the token nor how to wait. */
export function libraryFetch(session: HubSession, maxBytes: number): typeof fetch {
  return async (input) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const { bytes, headers } = await readAnswer(session, url, maxBytes);
    // Where the next page is; all else is for the transport.
    const link = headers.get('link');
    return new Response(bytes, link === null ? {} : { headers: { link } });
  };
}
