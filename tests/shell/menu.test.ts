import type { MenuItemConstructorOptions } from 'electron';
import { describe, expect, it } from 'vitest';
import { menuTemplate } from '../../main/shell/menu.ts';
import { MENU_COMMANDS } from '../../shared/shell-contract.ts';

function template(platform: NodeJS.Platform, forDevelopers = false): MenuItemConstructorOptions[] {
  const ignore = (): undefined => undefined;
  return menuTemplate({ appName: 'CLAQ Studio', platform, forDevelopers, command: ignore, openLogs: ignore });
}

function entriesOf(menu: readonly MenuItemConstructorOptions[]): MenuItemConstructorOptions[] {
  return menu.flatMap(({ submenu }) => (Array.isArray(submenu) ? submenu : []));
}

/** Labels and roles of a menu of the bar, without separators. */
const namesOf = (menu: MenuItemConstructorOptions | undefined): (string | undefined)[] =>
  entriesOf(menu === undefined ? [] : [menu])
    .filter(({ type }) => type !== 'separator')
    .map(({ label, role }) => label ?? role);

describe.each(['linux', 'win32', 'darwin'] as const)('on %s', (platform) => {
  it('has every command of the page once, and every shortcut once', () => {
    const entries = entriesOf(template(platform));
    const commands = entries
      .map(({ id }) => id)
      .filter((id) => MENU_COMMANDS.some((command) => command === id));
    expect(commands.sort()).toEqual([...MENU_COMMANDS].sort());
    const shortcuts = entries.flatMap(({ accelerator }) => (accelerator === undefined ? [] : [accelerator]));
    expect(new Set(shortcuts).size).toBe(shortcuts.length);
    expect(shortcuts).toContain('CmdOrCtrl+O');
  });

  it('has developer tools for developers only', () => {
    const roles = (forDevelopers: boolean): unknown[] =>
      entriesOf(template(platform, forDevelopers)).map(({ role }) => role);
    expect(roles(true)).toContain('toggleDevTools');
    expect(roles(false)).not.toContain('toggleDevTools');
    expect(roles(false)).not.toContain('reload');
  });
});

it('has settings, about and quit where the platform has them', () => {
  const linux = template('linux');
  expect(linux.map(({ label, role }) => label ?? role)).toEqual(['&File', '&Edit', '&View', 'help']);
  expect(namesOf(linux[0])).toEqual(['Add Model…', 'Settings…', 'quit']);
  expect(namesOf(linux[3])).toEqual(['Open Logs', 'About CLAQ Studio']);

  const mac = template('darwin');
  expect(mac.map(({ label, role }) => label ?? role)).toEqual([
    'CLAQ Studio',
    '&File',
    '&Edit',
    '&View',
    'windowMenu',
    'help',
  ]);
  expect(namesOf(mac[0])).toEqual([
    'About CLAQ Studio',
    'Settings…',
    'services',
    'hide',
    'hideOthers',
    'unhide',
    'quit',
  ]);
  expect(namesOf(mac[1])).toEqual(['Add Model…', 'close']);
});
