/** The built shell in a real Electron: with the shim for what that one lacks, and the service on this very Node. */
import { execFile } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { build } from 'vite';
import { electronForTests, LAUNCHED_VARIABLE, type TestElectron } from '../../scripts/electron-for-tests.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
export const ROOT = here('../..');

/** The Electron, or why there is none; with CLAQ_REQUIRE_ELECTRON that is an error, and the tests cannot be left out. */
export async function findElectron(): Promise<TestElectron | { readonly missing: string }> {
  try {
    return await electronForTests();
  } catch (error) {
    if (process.env['CLAQ_REQUIRE_ELECTRON'] === '1') throw error;
    const missing = error instanceof Error ? error.message : String(error);
    process.stderr.write(`skipped: the tests of the desktop app need an Electron, and ${missing}\n`);
    return { missing };
  }
}

/** Brings build/ up to date. */
export async function buildApp(...parts: readonly string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), ...parts], { cwd: ROOT });
}

/** A built app in `folder` whose page is the probe (page/probe.js), made of the shell and service in build/. */
export async function buildProbeApp(folder: string): Promise<void> {
  await buildApp('shell', 'app');
  for (const part of ['shell', 'preload']) {
    await cp(join(ROOT, 'build', part), join(folder, part), { recursive: true });
  }
  await symlink(join(ROOT, 'build', 'app'), join(folder, 'app'));
  const renderer = join(folder, 'renderer');
  await mkdir(renderer);
  for (const file of ['index.html', 'probe.css']) await cp(here(`page/${file}`), join(renderer, file));
  await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      outDir: renderer,
      emptyOutDir: false,
      target: 'chrome108',
      lib: { entry: here('page/probe.js'), formats: ['es'], fileName: () => 'probe.js' },
    },
  });
}

export interface Surroundings {
  readonly display: string;
  /** Folder of the user's files: settings, logs, library. */
  readonly home: string;
}

export interface Launch extends Surroundings {
  readonly electron: TestElectron;
  /** Folder with shell/, preload/, renderer/ and app/. */
  readonly built: string;
  /** What the service's process runs; the built service where not given. */
  readonly service?: string;
}

/** Chromium's sandbox cannot be had as root, nor a GPU on this screen. */
export const ELECTRON_ARGUMENTS = ['--no-sandbox', '--disable-gpu'];

/** What every Electron of the tests finds: its screen, its home, and what the shim runs the service with. */
export function shimEnvironment({ display, home }: Surroundings): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[0] !== 'NODE_OPTIONS',
  );
  return {
    ...Object.fromEntries(inherited),
    DISPLAY: display,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_DATA_HOME: join(home, 'data'),
    CLAQ_TEST_NODE: process.execPath,
    CLAQ_TEST_PARENT_PORT: here('shim/parent-port.mjs'),
  };
}

export function launchEnvironment(options: Launch): Record<string, string> {
  const { built, service } = options;
  return {
    ...shimEnvironment(options),
    [LAUNCHED_VARIABLE]: here('shim/main.cjs'),
    CLAQ_TEST_SHELL: join(built, 'shell', 'main.cjs'),
    ...(service === undefined ? {} : { CLAQ_TEST_SERVICE: service }),
  };
}

export async function launch(options: Launch): Promise<{ app: ElectronApplication; page: Page }> {
  const app = await _electron.launch({
    executablePath: options.electron.launcher,
    args: ELECTRON_ARGUMENTS,
    env: launchEnvironment(options),
    // As the system and the shell have it.
    colorScheme: null,
  });
  return { app, page: await app.firstWindow() };
}
