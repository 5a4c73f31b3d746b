/**
 * What the preload script says to the page of the desktop app, by `postMessage` to the page's own origin. It says nothing else,
 * and puts nothing into the page's global scope. Plain constants: the preload script is one small file.
 */

/** The scheme that the page is served under, and its address. */
export const APP_SCHEME = 'claq';
export const APP_HOST = 'app';
export const APP_ADDRESS = `${APP_SCHEME}://${APP_HOST}/`;

/**
 * `{ kind: PORTS_MESSAGE }` with two ports: the service's (contract.ts) and the shell's (shell-contract.ts). It comes when the
 * document is there, and again with new ports whenever the service was started anew. The service's port before is dead then, and
 * streams on the shell's have ended; calls that are on their way are still answered.
 */
export const PORTS_MESSAGE = 'claq-ports';

/** `{ kind: DROPPED_MESSAGE, paths }`: absolute paths of what the user dropped on the page, which a page cannot know itself. */
export const DROPPED_MESSAGE = 'claq-dropped';
