/** Keeps a window from staying white or frozen: notices when its page's process dies or hangs. */
import { dialog, type BrowserWindow } from 'electron';
import { PageRecovery } from './page-recovery.ts';
import type { RestartPolicy } from './restart-policy.ts';

export interface WatchPageParts {
  readonly policy: RestartPolicy;
  readonly onFault: (fault: string) => void;
  readonly quit: () => void;
}

/** For as long as the window is open. */
export function watchPage(window: BrowserWindow, { policy, onFault, quit }: WatchPageParts): PageRecovery {
  const { webContents: page } = window;
  const recovery = new PageRecovery({
    policy,
    reload: () => page.reload(),
    ask: () => askAboutCrashes(window),
    quit,
  });
  let hanging = new AbortController();
  page.on('render-process-gone', (_event, { reason, exitCode }) => {
    hanging.abort();
    onFault(`The page's process ended (${reason}, code ${exitCode}).`);
    recovery.died();
  });
  window.on('unresponsive', () => {
    onFault('The page does not answer.');
    hanging.abort();
    hanging = new AbortController();
    void askAboutHanging(window, hanging.signal).then((answer) => {
      // It is then loaded again like one that died by itself.
      if (answer === 'reload') page.forcefullyCrashRenderer();
    });
  });
  window.on('responsive', () => hanging.abort());
  window.on('closed', () => {
    hanging.abort();
    recovery.end();
  });
  return recovery;
}

async function askAboutCrashes(window: BrowserWindow): Promise<'reload' | 'quit'> {
  // A page that never came up has left its window hidden, and the question with it.
  if (!window.isVisible()) window.show();
  const { response } = await dialog.showMessageBox(window, {
    type: 'error',
    message: 'The window crashes again and again',
    detail: 'A run goes on without it. The log says more.',
    buttons: ['Reload', 'Quit'],
    defaultId: 0,
    cancelId: 0,
    noLink: true,
  });
  return response === 1 ? 'quit' : 'reload';
}

/** @param answered aborts when the page answers after all, or is gone: the question is taken back */
async function askAboutHanging(window: BrowserWindow, answered: AbortSignal): Promise<'reload' | 'wait'> {
  const { response } = await dialog.showMessageBox(window, {
    type: 'warning',
    message: 'The window does not answer',
    detail: 'A run goes on without it.',
    buttons: ['Wait', 'Reload'],
    defaultId: 0,
    cancelId: 0,
    noLink: true,
    signal: answered,
  });
  return response === 1 && !answered.aborted ? 'reload' : 'wait';
}
