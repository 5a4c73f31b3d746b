import type { App } from 'electron';

/**
 * One program a user: a second one that is started calls `onSecond` in the first, and has to end.
 *
 * @returns whether this is the first
 */
export function claimSingleInstance(app: App, onSecond: () => void): boolean {
  if (!app.requestSingleInstanceLock()) return false;
  app.on('second-instance', onSecond);
  return true;
}
