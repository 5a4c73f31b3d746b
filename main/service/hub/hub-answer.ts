/** One question to a hub: redirects followed, the token kept at home, troubles told apart. */
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { mayVisit } from './hub-address.ts';
import { malformedAnswer, type ModelSource, refusal } from './hub-refusal.ts';
import { PassingTrouble } from './retries.ts';

/** A renamed repository, its storage, a region of that: three are seen in practice. */
const MAX_REDIRECTS = 6;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Statuses that pass: the request came too slowly, too early, too often. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);
/** Codes of OpenSSL and of Node for certificates. */
const UNTRUSTED = /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/;
/** A connection on which nothing comes for so long is dead; routers forget idle ones after minutes. */
export const SILENCE_MILLISECONDS = 60_000;

export interface Question {
  readonly source: ModelSource;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
  readonly silenceMilliseconds: number;
}

/**
 * Asks once, and has `take` read a good answer (200 or 206), piece by piece. Whatever happens, the connection is let go.
 *
 * @throws PassingTrouble; ClaqError hub/not-found, hub/needs-token, hub/malformed, run/cancelled; what `take` throws
 */
export async function ask<T>(
  question: Question,
  take: (response: Response, pieces: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const { source, signal, silenceMilliseconds } = question;
  throwIfCancelled(signal, 'download');
  const ending = new AbortController();
  const silence = setTimeout(() => ending.abort(new Silence(silenceMilliseconds)), silenceMilliseconds);
  const either = signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]);
  try {
    const response = await followed(question, either);
    if (!response.ok) throw refusalOrTrouble(source, response);
    return await take(
      response,
      pieces(response, () => silence.refresh()),
    );
  } finally {
    clearTimeout(silence);
    // Also ends a body that was not read to its end.
    ending.abort();
  }
}

class Silence extends Error {
  constructor(milliseconds: number) {
    super(`nothing came for ${milliseconds / 1000} s`);
  }
}

async function followed(
  { source, url: first, headers = {} }: Question,
  signal: AbortSignal,
): Promise<Response> {
  const { hub } = source;
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    if (!mayVisit(hub, url)) {
      throw malformedAnswer(first.href, 'an address that begins with https://', `one at ${url.origin}`);
    }
    const own: Record<string, string> =
      hub.token !== undefined && url.origin === hub.origin ? { authorization: `Bearer ${hub.token}` } : {};
    const response = await network(() =>
      // Compressed answers have other lengths than the files, and no ranges.
      fetch(url, {
        signal,
        redirect: 'manual',
        headers: { ...headers, 'accept-encoding': 'identity', ...own },
      }),
    );
    const location = response.headers.get('location');
    if (!REDIRECTS.has(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = URL.parse(location, url.href);
    if (next === null)
      throw malformedAnswer(first.href, 'a redirect to an address', 'one that is no address');
    url = next;
  }
  throw malformedAnswer(first.href, `at most ${MAX_REDIRECTS} redirects`, 'more');
}

/** Of another host than the hub each failure passes: the addresses that a hub hands out for its storage run out. */
function refusalOrTrouble(source: ModelSource, response: Response): Error {
  const { status } = response;
  if (status >= 500 || PASSING.has(status) || new URL(response.url).origin !== source.hub.origin) {
    return new PassingTrouble(`status ${status}`, {
      askedSeconds: askedSeconds(response.headers.get('retry-after')),
    });
  }
  return refusal(source, response);
}

/** Retry-After: seconds, or a date. */
function askedSeconds(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const until = Date.parse(header);
  return Number.isNaN(until) ? undefined : Math.max(0, Math.ceil((until - Date.now()) / 1000));
}

async function* pieces(response: Response, onPiece: () => void): AsyncGenerator<Uint8Array, void> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  for (;;) {
    const read: { done: boolean; value?: unknown } = await network(() => reader.read());
    if (read.done || !(read.value instanceof Uint8Array)) return;
    onPiece();
    yield read.value;
  }
}

/** A step over the network. What fails there passes, except for a certificate that is not trusted. */
async function network<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    // fetch says `fetch failed`; what failed stands in its cause.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code = systemErrorCode(cause) ?? '';
    const found = cause instanceof Error ? cause.message || code : String(cause);
    if (!UNTRUSTED.test(code)) throw new PassingTrouble(found, { cause: error });
    throw new ClaqError('hub/unreachable', 'The certificate that the hub shows is not trusted here', {
      expected: 'one of an authority that this program knows',
      found,
      remedy: 'behind a proxy that opens connections, name the file of its authority in NODE_EXTRA_CA_CERTS',
      cause: error,
    });
  }
}
