/** Which file of the built page an address names. */
import { extname, join, normalize, sep } from 'node:path';
import { APP_HOST, APP_SCHEME } from '../../shared/window-messages.ts';

/** What a page is made of; nothing else is served. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.json', 'application/json'],
  ['.svg', 'image/svg+xml'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.wasm', 'application/wasm'],
  ['.png', 'image/png'],
  ['.woff2', 'font/woff2'],
]);

export interface AppFile {
  /** Absolute path, inside the folder. */
  readonly path: string;
  readonly type: string;
}

/**
 * The file that an address of the app names; undefined where it names none that a page may have. An address whose last part
 * has no extension is one of the page's own routes (`/runs/12`): it gives index.html.
 *
 * @param folder absolute path of the built page
 */
export function appFile(folder: string, address: string): AppFile | undefined {
  const path = pathOf(address);
  if (path === undefined) return undefined;
  const isRoute = extname(path) === '';
  const type = TYPES.get(isRoute ? '.html' : extname(path));
  const file = normalize(join(folder, isRoute ? 'index.html' : path));
  if (type === undefined || !file.startsWith(folder + sep)) return undefined;
  return { path: file, type };
}

/** Path of an address of this app, decoded; undefined where it is of another, or has what no path of ours has. */
function pathOf(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, host, pathname } = new URL(address);
  if (protocol !== `${APP_SCHEME}:` || host !== APP_HOST) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
  // The parser has resolved plain `..`; what is left of it was encoded to get past the parser.
  const parts = path.split(/[/\\]/);
  return parts.includes('..') || path.includes('\\') || path.includes('\0') ? undefined : path;
}
