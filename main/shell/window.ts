/** The window: opened where it was, shown when it has something to show. */
import { join } from 'node:path';
import { app, BrowserWindow, nativeTheme, screen } from 'electron';
import { APP_ADDRESS } from '../../shared/window-messages.ts';
import { PRELOAD_SCRIPT } from './built-files.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { openingState, SMALLEST, windowStateSchema } from './window-state.ts';

/** `--surface` of renderer/design/tokens.css: what stands behind a page that has not painted yet. */
const BACKGROUND = { light: '#fbfbfa', dark: '#17181a' };

const stateFile = (): string => join(app.getPath('userData'), 'window.json');

/** Opens the window and loads the page. The page is locked down by guard-pages.ts, whichever window it is in. */
export function openWindow(): BrowserWindow {
  const workAreas = screenAreas();
  const { bounds, isMaximized } = openingState(readJsonFile(stateFile(), windowStateSchema), workAreas);
  const window = new BrowserWindow({
    ...bounds,
    minWidth: SMALLEST.width,
    minHeight: SMALLEST.height,
    title: app.name,
    show: false,
    backgroundColor: backgroundColour(),
    webPreferences: {
      preload: PRELOAD_SCRIPT,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      // The dictionaries would be fetched from the network.
      spellcheck: false,
    },
  });
  if (isMaximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  const followTheme = (): void => window.setBackgroundColor(backgroundColour());
  nativeTheme.on('updated', followTheme);
  window.on('close', () =>
    writeJsonFile(stateFile(), { bounds: window.getNormalBounds(), isMaximized: window.isMaximized() }),
  );
  window.on('closed', () => nativeTheme.off('updated', followTheme));
  void window.loadURL(APP_ADDRESS);
  return window;
}

/** Puts the window in front, from wherever it is. */
export function bringForward(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

function screenAreas(): Electron.Rectangle[] {
  const primary = screen.getPrimaryDisplay();
  const others = screen.getAllDisplays().filter(({ id }) => id !== primary.id);
  return [primary, ...others].map(({ workArea }) => workArea);
}

function backgroundColour(): string {
  return nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light;
}
