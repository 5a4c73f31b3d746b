/**
 * The built page, read into memory at the start. Requests are looked up among the files that were found then, by their whole
 * path, so there is no path to climb out of the folder by; and a page that is built anew meanwhile does not come in halves.
 */
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { ClaqError } from '../../../shared/errors.ts';
import { readableBytes } from '../../../shared/readable-quantities.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';

/** What a built page is made of, and whether it gets shorter by compression; anything else is not served. */
const TYPES: ReadonlyMap<string, { readonly type: string; readonly shrinks: boolean }> = new Map([
  ['.html', { type: 'text/html; charset=utf-8', shrinks: true }],
  ['.js', { type: 'text/javascript; charset=utf-8', shrinks: true }],
  ['.css', { type: 'text/css; charset=utf-8', shrinks: true }],
  ['.json', { type: 'application/json', shrinks: true }],
  ['.map', { type: 'application/json', shrinks: true }],
  ['.svg', { type: 'image/svg+xml', shrinks: true }],
  ['.txt', { type: 'text/plain; charset=utf-8', shrinks: true }],
  ['.wasm', { type: 'application/wasm', shrinks: true }],
  ['.png', { type: 'image/png', shrinks: false }],
  ['.ico', { type: 'image/x-icon', shrinks: false }],
  ['.woff2', { type: 'font/woff2', shrinks: false }],
]);

/** The page and its fonts have a few megabytes; more means that this is some other folder. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 2000;
/** Below this compression saves no packet. */
const LEAST_TO_SHRINK = 1024;
/** Better ones take seconds for what a slow tunnel gains in milliseconds. */
const BROTLI_QUALITY = 5;

/** Vite puts what it names by a hash of the contents here. */
const HASHED = /^\/assets\/.*-[\w-]{8}\.\w+$/;

export const ENCODINGS = ['br', 'gzip'] as const;
export type Encoding = (typeof ENCODINGS)[number];

export interface RendererFile {
  readonly type: string;
  /** Its path tells its contents, so that a browser need never ask again. */
  readonly immutable: boolean;
  /** Weak, since it is the same for all encodings. */
  readonly etag: string;
  readonly bytes: Buffer;
  readonly shrinks: boolean;
  /** Compressed when it is first asked for. */
  encoded(encoding: Encoding): Promise<Buffer>;
}

/** By path in addresses: `/index.html`, `/assets/main-B7x_3kQp.js`. */
export type RendererFiles = ReadonlyMap<string, RendererFile>;

/** @throws ClaqError serve/window-not-built */
export async function readRenderer(folder: string): Promise<RendererFiles> {
  const paths = (await entriesOf(folder))
    // Links are left out: they may lead anywhere.
    .filter((entry) => entry.isFile() && TYPES.has(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (paths.length > MAX_FILES || bytes > MAX_BYTES) {
    throw notBuilt(folder, `${paths.length} files, ${readableBytes(bytes)}`);
  }
  const files = await Promise.all(paths.map((path) => readRendererFile(folder, path)));
  const byPath = new Map(files);
  if (!byPath.has('/index.html')) throw notBuilt(folder, 'no index.html');
  return byPath;
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    throw notBuilt(folder, systemErrorCode(error) ?? String(error), error);
  }
}

async function readRendererFile(folder: string, path: string): Promise<[string, RendererFile]> {
  const bytes = await readFile(path);
  const { type = '', shrinks = false } = TYPES.get(extname(path)) ?? {};
  const address = `/${relative(folder, path).split(sep).join('/')}`;
  const compressed = new Map<Encoding, Promise<Buffer>>();
  const file: RendererFile = {
    type,
    immutable: HASHED.test(address),
    etag: `W/"${createHash('sha256').update(bytes).digest('base64url')}"`,
    bytes,
    shrinks: shrinks && bytes.length >= LEAST_TO_SHRINK,
    encoded(encoding) {
      const known = compressed.get(encoding) ?? COMPRESS[encoding](bytes);
      compressed.set(encoding, known);
      return known;
    },
  };
  return [address, file];
}

const COMPRESS: Readonly<Record<Encoding, (bytes: Buffer) => Promise<Buffer>>> = {
  br: (bytes) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: (bytes) => promisify(gzip)(bytes),
};

function notBuilt(folder: string, found: string, cause?: unknown): ClaqError {
  return new ClaqError('serve/window-not-built', 'The page that would be served is not there', {
    where: folder,
    expected: 'a built page with its index.html',
    found,
    remedy: 'build it with npm run build',
    cause,
  });
}
