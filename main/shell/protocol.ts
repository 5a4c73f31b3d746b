/** Serves the page to the window, under a scheme of the app's own: nothing listens on the network. */
import { readFile } from 'node:fs/promises';
import { protocol } from 'electron';
import { contentSecurityPolicy } from '../../shared/content-security-policy.ts';
import { APP_SCHEME } from '../../shared/window-messages.ts';
import { appFile } from './app-files.ts';

const PLAIN_TEXT = 'text/plain; charset=utf-8';

/** Before the app is ready. The scheme then has an origin, fetch and modules, as https has. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    {
      scheme: APP_SCHEME,
      privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
    },
  ]);
}

/**
 * When the app is ready.
 *
 * @param folder absolute path of the built page
 */
export function serveApp(folder: string): void {
  protocol.handle(APP_SCHEME, async (request) => {
    if (request.method !== 'GET') return answer(405, PLAIN_TEXT, 'Only GET.');
    const file = appFile(folder, request.url);
    if (file === undefined) return answer(404, PLAIN_TEXT, 'There is no such file.');
    try {
      return answer(200, file.type, await readFile(file.path));
    } catch {
      return answer(404, PLAIN_TEXT, 'This file is not there. The page is built by npm run build.');
    }
  });
}

function answer(status: number, type: string, body: string | Buffer<ArrayBuffer>): Response {
  return new Response(body, {
    status,
    headers: {
      'Content-Type': type,
      'Content-Security-Policy': contentSecurityPolicy(),
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    },
  });
}
