/** The desktop app around the page: the system's dialogs, its file manager, the token. In a browser there is none of it. */
import { createORPCClient } from '@orpc/client';
import type { ContractRouterClient } from '@orpc/contract';
import type { shellContract } from '../../shared/shell-contract.ts';
import { Connection } from './connection.ts';
import { desktopLines } from './desktop-line.ts';
import { isDesktop } from './service.ts';

export type ShellClient = ContractRouterClient<typeof shellContract>;

export const shellConnection = isDesktop ? new Connection(desktopLines('shell')) : null;

/** Null in a browser. */
export const shell: ShellClient | null = shellConnection === null ? null : createORPCClient(shellConnection);

export interface PathQuestion {
  readonly kind: 'folder' | 'file';
  readonly title: string;
  /** Where the dialog begins; empty for where the last one was. */
  readonly from: string;
}

/** Asks by the system's dialog. Null where the user chose nothing, and in a browser. */
export async function pickPath({ kind, title, from }: PathQuestion): Promise<string | null> {
  if (shell === null) return null;
  const question = { title, ...(from === '' ? {} : { startIn: from }) };
  return kind === 'folder' ? shell.dialogs.chooseFolder(question) : shell.dialogs.chooseFile(question);
}
