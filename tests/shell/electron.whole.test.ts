/** The shell in a real Electron: window, ports, menu, crash and restart, second instance, the question at the end. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ElectronApplication, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { activitySchema } from '../../shared/activity.ts';
import { contentSecurityPolicy } from '../../shared/content-security-policy.ts';
import { shellEventSchema } from '../../shared/shell-contract.ts';
import {
  buildProbeApp,
  ELECTRON_ARGUMENTS,
  findElectron,
  launch,
  type Launch,
  launchEnvironment,
} from './shell-under-test.ts';
import { startXServer, type XServer } from './x-server.ts';

const SLOW_SERVICE = fileURLToPath(new URL('slow-service.ts', import.meta.url));

/** The machine may have other things to do. */
const PATIENCE = { timeout: 60_000, interval: 50 };
const eventually = <T>(look: () => Promise<T>): ReturnType<typeof expect.poll<T>> =>
  expect.poll(look, PATIENCE);

const electron = await findElectron();

describe.skipIf('missing' in electron)('the shell in Electron', () => {
  let folder: string;
  let screen: XServer;
  let options: Launch;
  let app: ElectronApplication;
  let page: Page;

  beforeAll(async () => {
    if ('missing' in electron) return;
    folder = await mkdtemp(join(tmpdir(), 'claq-shell-'));
    const built = join(folder, 'built');
    await buildProbeApp(built);
    screen = await startXServer();
    options = { electron, display: screen.display, built, home: join(folder, 'home'), service: SLOW_SERVICE };
    await start();
  });
  afterAll(async () => {
    await quit();
    await screen.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    ({ app, page } = await launch(options));
    await portsHandedOver(1);
  }

  /** Whatever goes on. */
  async function quit(): Promise<void> {
    await inShell('void (answers.button = 1)');
    await app.close();
  }

  const portsHandedOver = (times: number): Promise<unknown> => inPage(`probe.portsHandedOver(${times})`);

  /** A call through the port that the page has now. */
  async function call(name: 'service' | 'shell', path: string, input?: unknown): Promise<unknown> {
    const args = [name, path, ...(input === undefined ? [] : [input])].map((value) => JSON.stringify(value));
    return await page.evaluate(`probe.call(${args.join(', ')})`);
  }

  const logFile = (): string => join(options.home, 'config', 'CLAQ Studio', 'logs', 'main.log');

  const events = async (): Promise<z.infer<typeof shellEventSchema>[]> =>
    z.array(shellEventSchema).parse(await page.evaluate('probe.events'));

  const inPage = (expression: string): Promise<unknown> => page.evaluate(expression);
  /** In Electron's main process; `recorded`, `answers` and `service` are there (shim/). */
  const inShell = (expression: string): Promise<unknown> => app.evaluate(expression);

  it('opens a window with the page, and shows it', async () => {
    expect(page.url()).toBe('claq://app/');
    expect(await page.title()).toBe('Probe');
    const window = await app.evaluate(({ BrowserWindow }) => {
      const windows = BrowserWindow.getAllWindows();
      return { windows: windows.length, isVisible: windows[0]?.isVisible(), title: windows[0]?.getTitle() };
    });
    expect(window).toEqual({ windows: 1, isVisible: true, title: 'Probe' });
    // Of the heading: the page was painted, with its style sheet.
    const colours = await app.evaluate(async ({ BrowserWindow }) => {
      const picture = await BrowserWindow.getAllWindows()[0]?.webContents.capturePage();
      const bitmap = picture?.toBitmap() ?? Buffer.alloc(0);
      const seen = new Set<string>();
      for (let i = 0; i + 3 < bitmap.length; i += 4) seen.add(bitmap.subarray(i, i + 3).toString('hex'));
      return [...seen];
    });
    // #31688e, as Chromium has it on Linux: blue first.
    expect(colours).toContain('8e6831');
  });

  it('gives the page ports to the service and the shell, and nothing else', async () => {
    expect(await call('service', 'program.info')).toMatchObject({ host: 'desktop' });
    expect(await call('shell', 'theme.get')).toEqual({ theme: 'system', isDark: false });
    expect(
      await inPage(
        '[typeof require, typeof process, typeof module, typeof electron, typeof ipcRenderer].join()',
      ),
    ).toBe('undefined,undefined,undefined,undefined,undefined');
    const preferences = await inShell(
      'electron.BrowserWindow.getAllWindows()[0].webContents.getLastWebPreferences()',
    );
    expect(preferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
    });
  });

  it('serves the files of the page alone, under its policy', async () => {
    expect(
      await inPage(`fetch('/index.html').then((answer) => answer.headers.get('content-security-policy'))`),
    ).toBe(contentSecurityPolicy());
    const status = (path: string): Promise<unknown> =>
      inPage(`fetch(${JSON.stringify(path)}).then((answer) => answer.status)`);
    expect(await status('/runs/12')).toBe(200);
    expect(await status('/probe.css')).toBe(200);
    expect(await status('/missing.css')).toBe(404);
    expect(await status('/..%2fshell/main.cjs')).toBe(404);
    expect(await status('/..%5cshell%5cprobe.js')).toBe(404);
    const refused = `.then(() => 'loaded', () => 'refused')`;
    expect(await inPage(`fetch('https://example.com/')${refused}`)).toBe('refused');
  });

  it('lets the page neither leave nor open windows nor ask for devices', async () => {
    expect(await inPage(`window.open('https://example.com/help') === null`)).toBe(true);
    expect(await inPage(`window.open('file:///etc/passwd') === null`)).toBe(true);
    expect(await inPage(`window.open('https://user@example.com/') === null`)).toBe(true);
    await inPage(`void (location.href = 'https://example.com/')`);
    await inPage(`void (location.href = 'file:///etc/passwd')`);
    expect(await inPage('Notification.requestPermission()')).toBe('denied');
    expect(page.url()).toBe('claq://app/');
    expect(app.windows()).toHaveLength(1);
    expect(await inShell('recorded.opened')).toEqual(['https://example.com/help']);
  });

  it('has a menu, whose entries reach the page', async () => {
    const labels = await app.evaluate(({ Menu }) => {
      const menu = Menu.getApplicationMenu();
      menu?.getMenuItemById('settings')?.click();
      menu?.getMenuItemById('add-model')?.click();
      return menu?.items.map(({ label }) => label);
    });
    expect(labels).toEqual(['&File', '&Edit', '&View', 'Help']);
    await eventually(events).toEqual(
      expect.arrayContaining([
        { kind: 'menu', command: 'settings' },
        { kind: 'menu', command: 'add-model' },
      ]),
    );
  });

  it('asks for folders and files by the system’s dialogs', async () => {
    await inShell("void (answers.paths = ['/models/llama'])");
    expect(await call('shell', 'dialogs.chooseFolder', { title: 'Add a model' })).toBe('/models/llama');
    expect(await call('shell', 'dialogs.chooseSaveFolder', { title: 'Export' })).toBe('/models/llama');
    expect(await call('shell', 'dialogs.chooseFile', { title: 'Text' })).toBe('/models/llama');
    await inShell('void (answers.paths = [])');
    expect(await call('shell', 'dialogs.chooseFolder', { title: 'Never mind' })).toBeNull();
    await expect(call('shell', 'dialogs.chooseFolder', { title: '' })).rejects.toThrow(
      'Input validation failed',
    );
    expect(await inShell('recorded.asked.splice(0)')).toEqual([
      ['openDirectory'],
      ['openDirectory', 'createDirectory', 'promptToCreate'],
      ['openFile'],
      ['openDirectory'],
    ]);
    await call('shell', 'showInFolder', { path: '/models/llama' });
    await call('shell', 'openLogs');
    expect(await inShell('recorded.shown')).toEqual(['/models/llama', logFile()]);
  });

  it('sets the theme of the frame, and takes a token without giving it back', async () => {
    await call('shell', 'theme.set', { theme: 'dark' });
    expect(await call('shell', 'theme.get')).toEqual({ theme: 'dark', isDark: true });
    expect(await inPage(`matchMedia('(prefers-color-scheme: dark)').matches`)).toBe(true);
    expect(
      await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getBackgroundColor()),
    ).toBe('#17181A');
    // There is no keyring here.
    const kept = await call('shell', 'hubToken.set', { token: ' hf_secret ' });
    expect(kept).toEqual({ has: true, storage: 'session' });
    expect(await call('shell', 'hubToken.state')).toEqual({ has: true, storage: 'session' });
    expect(await call('shell', 'hubToken.clear')).toEqual({ has: false, storage: 'session' });
  });

  it('starts a service that died again, and gives the page ports to the new one', async () => {
    await inShell('service.kill()');
    await portsHandedOver(2);
    expect(await call('service', 'program.info')).toMatchObject({ host: 'desktop' });
    // The new port tells first how things are, which the old one has told too.
    const told = (await events()).flatMap((event) => (event.kind === 'service' ? [event.service.state] : []));
    expect(told.filter((state, i) => state !== told[i - 1]).slice(-3)).toEqual([
      'crashed',
      'starting',
      'running',
    ]);
    expect((await events()).at(-1)).toEqual({
      kind: 'service',
      service: { state: 'running', restarted: true },
    });
    const log = await readFile(logFile(), 'utf8');
    expect(log).toContain('The service stopped (its process ended with code 1) and is started again.');
  });

  it('is one: a second one that is started brings the first one forward, and ends', async () => {
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.hide());
    const shown = app.evaluate(
      ({ BrowserWindow }) =>
        new Promise((resolve) => BrowserWindow.getAllWindows()[0]?.once('show', () => resolve('shown'))),
    );
    const second = await promisify(execFile)(options.electron.launcher, ELECTRON_ARGUMENTS, {
      env: launchEnvironment(options),
    });
    expect(second.stdout).not.toContain('service starting');
    expect(await shown).toBe('shown');
  });

  it('follows a run on taskbar and power, asks before it quits, and pauses it then', async () => {
    const isAwake = (): Promise<boolean> =>
      app.evaluate(({ powerSaveBlocker }) => [0, 1, 2, 3].some((id) => powerSaveBlocker.isStarted(id)));
    expect(await isAwake()).toBe(false);
    const model = z.object({ id: z.int(), name: z.string() }).parse(await call('service', 'models.addDemo'));
    const run = z
      .object({ id: z.int() })
      .parse(await call('service', 'runs.start', { modelId: model.id, choices: { budget: { bits: 2 } } }));
    await eventually(isAwake).toBe(true);
    await eventually(() => inShell('recorded.bars')).toContain(0.25);

    const [{ title }] = z.tuple([activitySchema]).parse(await inPage(`probe.activities()`));
    await app.evaluate(({ app: electronApp }) => electronApp.quit());
    await expect
      .poll(() => inShell('recorded.asked'))
      .toEqual([
        {
          message: `Quantization in progress: ${title}`,
          detail: 'The run is paused, and can be resumed behind its last finished block.',
          buttons: ['Keep Running', 'Pause and Quit'],
        },
      ]);
    // The answer was to keep it running.
    expect(await call('service', 'runs.get', { id: run.id })).toMatchObject({ state: 'running' });

    // By the window's button this time; with another size, which is remembered.
    await app.evaluate(({ BrowserWindow }) => {
      BrowserWindow.getAllWindows()[0]?.setBounds({ x: 60, y: 70, width: 1000, height: 640 });
    });
    await inShell('void (answers.button = 1)');
    const gone = once(app.process(), 'exit');
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
    expect(await gone).toEqual([0, null]);

    await start();
    expect(await call('service', 'runs.get', { id: run.id })).toMatchObject({ state: 'paused' });
    expect(
      await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getNormalBounds()),
    ).toEqual({ x: 60, y: 70, width: 1000, height: 640 });
    expect(await call('shell', 'theme.get')).toEqual({ theme: 'dark', isDark: true });
  });

  it('says why the library cannot be opened, and opens it when that has changed', async () => {
    await quit();
    const lock = join(options.home, 'data', 'claq-studio', 'run.lock');
    await writeFile(
      lock,
      JSON.stringify({ pid: process.pid, host: hostname(), since: new Date().toISOString() }),
    );
    await start();
    const failure = async (): Promise<string[]> =>
      (await events()).flatMap((event) =>
        event.kind === 'service' && event.service.state === 'failed' ? [event.service.error.code] : [],
      );
    await eventually(failure).toEqual(['library/in-use']);
    await rm(lock);
    await call('shell', 'service.restart');
    await portsHandedOver(2);
    expect(await call('service', 'models.list')).toHaveLength(1);
  });

  // The last one: what drives the page does not survive the page's process.
  it('loads a page whose process died again, connected, and asks where that goes on or the page hangs', async () => {
    const contents = 'electron.BrowserWindow.getAllWindows()[0].webContents';
    /** Of the page that is there after `event`. */
    const hostAfter = (event: string): Promise<unknown> =>
      inShell(`(async () => {
        const loaded = new Promise((resolve) => ${contents}.once('did-finish-load', resolve));
        ${event};
        await loaded;
        const call = "probe.portsHandedOver(1).then(() => probe.call('service', 'program.info'))";
        return (await ${contents}.executeJavaScript(call)).host;
      })()`);
    const crash = `${contents}.forcefullyCrashRenderer()`;
    await inShell('void (recorded.asked.length = 0, answers.button = 0)');
    for (let death = 1; death <= 3; death++) expect(await hostAfter(crash)).toBe('desktop');
    expect(await inShell('recorded.asked')).toEqual([]);
    expect(await hostAfter(crash)).toBe('desktop');
    await inShell('void (answers.button = 1)');
    expect(await hostAfter(`electron.BrowserWindow.getAllWindows()[0].emit('unresponsive')`)).toBe('desktop');
    expect(await inShell('recorded.asked')).toEqual([
      {
        message: 'The window crashes again and again',
        detail: 'A run goes on without it. The log says more.',
        buttons: ['Reload', 'Quit'],
      },
      {
        message: 'The window does not answer',
        detail: 'A run goes on without it.',
        buttons: ['Wait', 'Reload'],
      },
    ]);
    expect(await inShell(`${contents}.getURL()`)).toBe('claq://app/');
    expect(await readFile(logFile(), 'utf8')).toMatch(
      /The page's process ended \((crashed|killed), code \d+\)\./,
    );
  });
});
