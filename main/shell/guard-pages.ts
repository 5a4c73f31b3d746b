/** What no page may do, whatever it was made to run: leave the app, open windows, use the network or the machine's devices. */
import { app, session, shell, type WebContents } from 'electron';
import { APP_ADDRESS } from '../../shared/window-messages.ts';
import { isOutsideLink, isWithin } from './outside-links.ts';

/** What "copy" buttons need; with a gesture of the user's only. */
const PERMITTED = 'clipboard-sanitized-write';

/** What a page loads: the app's own files, what it made itself, and the developer tools, which packaged apps do not have. */
const LOADABLE = /^(claq|data|blob|devtools):/;

/** Once, when the app is ready; holds for every page that is made from then on. */
export function guardPages(): void {
  const { defaultSession } = session;
  defaultSession.setPermissionRequestHandler((page, permission, answer) =>
    answer(permission === PERMITTED && isWithin(page.getURL(), APP_ADDRESS)),
  );
  defaultSession.setPermissionCheckHandler(
    (_page, permission, origin) => permission === PERMITTED && isWithin(origin, APP_ADDRESS),
  );
  defaultSession.setDevicePermissionHandler(() => false);
  defaultSession.webRequest.onBeforeRequest(({ url }, answer) => answer({ cancel: !LOADABLE.test(url) }));
  defaultSession.on('will-download', (event, item) => {
    // A chart that is saved is a picture that the page made.
    if (!/^(data|blob):/.test(item.getURL())) event.preventDefault();
  });
  app.on('web-contents-created', (_event, page) => guardPage(page));
}

function guardPage(page: WebContents): void {
  page.on('will-navigate', (event, address) => {
    if (!isWithin(address, APP_ADDRESS)) event.preventDefault();
  });
  page.on('will-redirect', (event) => event.preventDefault());
  page.on('will-attach-webview', (event) => event.preventDefault());
  page.setWindowOpenHandler(({ url }) => {
    if (isOutsideLink(url)) void shell.openExternal(url);
    return { action: 'deny' };
  });
}
