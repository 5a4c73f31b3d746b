/** The application's menu. Its own entries are commands to the page, which does what they say. */
import type { MenuItemConstructorOptions } from 'electron';
import type { MenuCommand } from '../../shared/shell-contract.ts';

export interface MenuParts {
  readonly appName: string;
  readonly platform: NodeJS.Platform;
  /** With reload and developer tools. */
  readonly forDevelopers: boolean;
  readonly command: (command: MenuCommand) => void;
  readonly openLogs: () => void;
}

/** By the conventions of the platform: on macOS the app's own menu comes first and has settings, about and quit. */
export function menuTemplate(parts: MenuParts): MenuItemConstructorOptions[] {
  const { appName, platform, forDevelopers, openLogs } = parts;
  const isMac = platform === 'darwin';
  const entry = (command: MenuCommand, label: string, accelerator?: string): MenuItemConstructorOptions => ({
    id: command,
    label,
    ...(accelerator === undefined ? {} : { accelerator }),
    click: () => parts.command(command),
  });
  const about = entry('about', `About ${appName}`);
  const settings = entry('settings', 'Settings…', 'CmdOrCtrl+,');
  const separator: MenuItemConstructorOptions = { type: 'separator' };

  const appMenu: MenuItemConstructorOptions = {
    label: appName,
    submenu: [
      about,
      separator,
      settings,
      separator,
      { role: 'services' },
      separator,
      { role: 'hide' },
      { role: 'hideOthers' },
      { role: 'unhide' },
      separator,
      { role: 'quit' },
    ],
  };
  const file: MenuItemConstructorOptions = {
    label: '&File',
    submenu: [
      entry('add-model', 'Add Model…', 'CmdOrCtrl+O'),
      separator,
      ...(isMac ? [{ role: 'close' } as const] : [settings, separator, { role: 'quit' } as const]),
    ],
  };
  const edit: MenuItemConstructorOptions = {
    label: '&Edit',
    submenu: [
      { role: 'undo' },
      { role: 'redo' },
      separator,
      { role: 'cut' },
      { role: 'copy' },
      { role: 'paste' },
      { role: 'selectAll' },
      separator,
      entry('find', 'Find…', 'CmdOrCtrl+F'),
    ],
  };
  const developers: MenuItemConstructorOptions[] = [
    separator,
    { role: 'reload' },
    { role: 'toggleDevTools' },
  ];
  const view: MenuItemConstructorOptions = {
    label: '&View',
    submenu: [
      entry('library', 'Library', 'CmdOrCtrl+1'),
      entry('runs', 'Runs', 'CmdOrCtrl+2'),
      separator,
      { role: 'resetZoom' },
      { role: 'zoomIn' },
      { role: 'zoomOut' },
      separator,
      { role: 'togglefullscreen' },
      ...(forDevelopers ? developers : []),
    ],
  };
  const help: MenuItemConstructorOptions = {
    role: 'help',
    submenu: [{ id: 'open-logs', label: 'Open Logs', click: openLogs }, ...(isMac ? [] : [separator, about])],
  };
  return [
    ...(isMac ? [appMenu] : []),
    file,
    edit,
    view,
    ...(isMac ? [{ role: 'windowMenu' } as const] : []),
    help,
  ];
}
