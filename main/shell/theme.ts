/** Light or dark: what the window frame and the page's `prefers-color-scheme` follow. Kept, so that the next start begins with it. */
import { join } from 'node:path';
import { app, nativeTheme } from 'electron';
import { z } from 'zod';
import { THEMES, type Settings } from '../../shared/settings.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';

const themeFileSchema = z.strictObject({ theme: z.enum(THEMES) });
const themeFile = (): string => join(app.getPath('userData'), 'theme.json');

/** Before the window opens. */
export function restoreTheme(): void {
  nativeTheme.themeSource = readJsonFile(themeFile(), themeFileSchema)?.theme ?? 'system';
}

export function theme(): { readonly theme: Settings['theme']; readonly isDark: boolean } {
  return { theme: nativeTheme.themeSource, isDark: nativeTheme.shouldUseDarkColors };
}

export function setTheme(theme: Settings['theme']): void {
  if (nativeTheme.themeSource === theme) return;
  nativeTheme.themeSource = theme;
  writeJsonFile(themeFile(), { theme });
}
