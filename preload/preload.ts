/**
 * Runs in the page's process before the page, in a world of its own. It hands over the ports to the service and the shell, and
 * the paths of dropped files; the page gets nothing of Electron.
 */
import { ipcRenderer, webUtils } from 'electron';
import { DROPPED_MESSAGE, PORTS_MESSAGE } from '../shared/window-messages.ts';
import { PORTS_CHANNEL, PORTS_WANTED_CHANNEL } from './channels.ts';

ipcRenderer.on(PORTS_CHANNEL, (event) => {
  window.postMessage({ kind: PORTS_MESSAGE }, window.location.origin, event.ports);
});

// The page's modules have run by then, and listen.
window.addEventListener('DOMContentLoaded', () => ipcRenderer.send(PORTS_WANTED_CHANNEL));

window.addEventListener('drop', (event) => {
  const paths = Array.from(event.dataTransfer?.files ?? [], (file) => webUtils.getPathForFile(file));
  if (paths.length > 0) window.postMessage({ kind: DROPPED_MESSAGE, paths }, window.location.origin);
});
