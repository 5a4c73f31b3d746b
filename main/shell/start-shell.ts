/** The desktop app around the page and the service: what starts when, and who tells whom. */
import { join } from 'node:path';
import { app, BrowserWindow, Menu, MessageChannelMain, utilityProcess, type MessagePortMain } from 'electron';
import { ELECTRON_APP_VARIABLE, ELECTRON_BINARY_VARIABLE } from '../../shared/own-programs.ts';
import { defaultDataFolder } from '../service/serve/served-folders.ts';
import { ActivityWatch } from './activity-watch.ts';
import { askBeforeQuitting } from './ask-before-quitting.ts';
import { noticesOf } from './at-work.ts';
import { RENDERER_FOLDER, SERVICE_MODULE } from './built-files.ts';
import { guardPages } from './guard-pages.ts';
import { logFault, logOutput, logServiceState, openLogs, startLog } from './logs.ts';
import { menuTemplate } from './menu.ts';
import { notify } from './notify.ts';
import type { PageRecovery } from './page-recovery.ts';
import { Ports } from './ports.ts';
import { Wakefulness } from './power.ts';
import { registerAppScheme, serveApp } from './protocol.ts';
import { QuitGuard } from './quit.ts';
import { RestartPolicy } from './restart-policy.ts';
import { ServiceProcess } from './service-process.ts';
import { ShellEvents } from './shell-events.ts';
import { shellRouter } from './shell-router.ts';
import { claimSingleInstance } from './single-instance.ts';
import { systemEncryption } from './system-encryption.ts';
import { Taskbar } from './taskbar.ts';
import { restoreTheme } from './theme.ts';
import { TokenStore } from './token-store.ts';
import { watchPage } from './watch-page.ts';
import { bringForward, openWindow } from './window.ts';

/** A service, or a page, that dies this often will not live by being started once more. */
const RESTARTS = { times: 3, windowMilliseconds: 10 * 60_000, delayMilliseconds: 500 };

export function startShell(): void {
  let open: BrowserWindow | undefined;
  let recovery: PageRecovery | undefined;
  const window = (): BrowserWindow | undefined => open;
  const show = (): void => {
    if (!app.isReady()) return;
    if (open === undefined) {
      open = openWindow();
      recovery = watchPage(open, {
        policy: new RestartPolicy(RESTARTS),
        onFault: logFault,
        quit: () => app.quit(),
      });
      open.on('close', (event) => {
        // Without its window the program quits; on macOS it stays.
        if (process.platform !== 'darwin' && !quitting.mayQuit()) event.preventDefault();
      });
      open.on('closed', () => (open = undefined));
    } else {
      recovery?.wanted();
      bringForward(open);
    }
  };

  if (!claimSingleInstance(app, show)) {
    app.quit();
    return;
  }
  registerAppScheme();
  startLog();

  const events = new ShellEvents();
  const showRoute = (route: string | undefined): void => {
    show();
    if (route !== undefined) events.tell({ kind: 'navigate', route });
  };

  const tokens = new TokenStore(join(app.getPath('userData'), 'hub-token'), systemEncryption);
  const taskbar = new Taskbar();
  const wakefulness = new Wakefulness();
  const activities = new ActivityWatch((now, before) => {
    taskbar.follow(open, now);
    wakefulness.follow(now);
    if (BrowserWindow.getFocusedWindow() !== null) return;
    for (const notice of noticesOf(now, before)) notify(notice, showRoute);
  });

  const service = new ServiceProcess<MessagePortMain>({
    fork() {
      const child = utilityProcess.fork(SERVICE_MODULE, [], {
        serviceName: `${app.name} service`,
        stdio: 'pipe',
        // What starts this very program from there.
        env: {
          ...process.env,
          [ELECTRON_BINARY_VARIABLE]: app.getPath('exe'),
          [ELECTRON_APP_VARIABLE]: app.isPackaged ? '' : app.getAppPath(),
        },
      });
      logOutput('service', child.stdout);
      logOutput('service', child.stderr);
      return child;
    },
    dataFolder: defaultDataFolder(),
    hubToken: () => tokens.token,
    policy: new RestartPolicy(RESTARTS),
    onState(state) {
      logServiceState(state);
      events.tell({ kind: 'service', service: state });
    },
    onProcess() {
      ports.giveAgain();
      const { port1, port2 } = new MessageChannelMain();
      service.connect(port1);
      void activities.follow(port2);
    },
    onGone: () => activities.lose(),
  });
  const router = shellRouter({ events, service, tokens, window });
  const ports = new Ports({ router, connect: (port) => service.connect(port), onFault: logFault });

  const quitting = new QuitGuard({
    async agree() {
      const isAgreed = await askBeforeQuitting(open, activities.latest);
      // The window may have been closed already.
      if (!isAgreed) show();
      return isAgreed;
    },
    finish: () => service.stop(),
    onFault: logFault,
    quit: () => app.quit(),
  });
  app.on('before-quit', (event) => {
    if (!quitting.mayQuit()) event.preventDefault();
  });
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('activate', show);

  void app.whenReady().then(() => {
    guardPages();
    serveApp(RENDERER_FOLDER);
    restoreTheme();
    const menu = menuTemplate({
      appName: app.name,
      platform: process.platform,
      forDevelopers: !app.isPackaged,
      command(command) {
        show();
        events.tell({ kind: 'menu', command });
      },
      openLogs,
    });
    Menu.setApplicationMenu(Menu.buildFromTemplate(menu));
    service.start();
    show();
    void tokens.restore().then(() => service.passHubToken());
  });
}
