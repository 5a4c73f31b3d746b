/** Answers requests for the page's files. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Encoding, ENCODINGS, type RendererFile, type RendererFiles } from './renderer-files.ts';

/** A screen's address: words and numbers without a dot, so that a missing file is not answered with a page. */
const SCREEN = /^(?:\/[\w~-]+)*\/?$/;

/** The file at a path, or the page, whose router shows the screen of that address. */
export function fileAt(files: RendererFiles, path: string): RendererFile | undefined {
  return files.get(decoded(path)) ?? (SCREEN.test(path) ? files.get('/index.html') : undefined);
}

/** Percent signs that are none leave the path as it is: there is no such file. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** A GET or HEAD of the file, with what the browser has of it already and what it can decode. */
export async function answerFile(
  file: RendererFile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('Content-Type', file.type);
  response.setHeader('ETag', file.etag);
  response.setHeader('Vary', 'Accept-Encoding');
  response.setHeader('Cache-Control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (hasEtag(request.headers['if-none-match'], file.etag)) {
    response.writeHead(304).end();
    return;
  }
  const encoding = file.shrinks ? acceptedEncoding(request.headers['accept-encoding']) : undefined;
  const body = encoding === undefined ? file.bytes : await file.encoded(encoding);
  if (encoding !== undefined) response.setHeader('Content-Encoding', encoding);
  response.setHeader('Content-Length', body.length);
  response.writeHead(200).end(request.method === 'HEAD' ? undefined : body);
}

function hasEtag(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((each) => each.trim() === etag);
}

/** The best of ours that the client takes: `gzip, deflate, br;q=0.5`. */
export function acceptedEncoding(header: string | undefined): Encoding | undefined {
  const accepted = new Set(
    (header ?? '')
      .toLowerCase()
      .split(',')
      .map((each) => each.replaceAll(/\s/g, ''))
      .filter((each) => !/;q=0(\.0*)?$/.test(each))
      .map((each) => each.replace(/;.*$/, '')),
  );
  return ENCODINGS.find((encoding) => accepted.has(encoding));
}
