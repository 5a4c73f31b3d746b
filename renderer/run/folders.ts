/** Folders of the service's machine: the desktop app shows them in the system's file manager, a browser copies their path. */
import { Copy, FolderOpen } from '@lucide/vue';
import { copyText } from '../api/copy-text.ts';
import { isDesktop } from '../api/service.ts';
import { shell } from '../api/shell.ts';
import { shownError } from '../api/shown-error.ts';
import { say } from '../components/status-messages.ts';

export const FOLDER_ACTION = isDesktop
  ? ({ label: 'Show folder', icon: FolderOpen } as const)
  : ({ label: 'Copy folder path', icon: Copy } as const);

export async function openFolder(path: string): Promise<void> {
  try {
    if (shell !== null) await shell.showInFolder({ path });
    else {
      await copyText(path);
      say('Path copied');
    }
  } catch (thrown) {
    say(shownError(thrown).message, 'bad');
  }
}
