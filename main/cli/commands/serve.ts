import { hostname, userInfo } from 'node:os';
import type { Command } from 'commander';
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import type { openPage } from '../../service/serve/open-page.ts';
import type { RunningServer, ServerOptions, startServer } from '../../service/serve/start-server.ts';
import { eventLine } from '../json-events.ts';
import { checkedRequest, dataOption, wholeValue } from '../option-values.ts';
import { type CommandHooks, runCommand } from '../run-command.ts';

const optionsSchema = z.object({
  port: z.int().min(0).max(65535).optional(),
  data: z.string().optional(),
  allowHost: z.array(z.string()).default([]),
  open: z.boolean().default(false),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof optionsSchema>;

const FLAGS = { port: '--port', data: '--data', allowHost: '--allow-host' };

/** The same from day to day, for tunnels and bookmarks; a free one where it is taken. */
const USUAL_PORT = 8725;

const NOTES = `
The page is for whoever has the address that is printed: it holds a token, which is another at each start. The server
listens on this machine's loopback only; from another machine it is reached through a tunnel of ssh.

Examples:
  claq serve --open
  claq serve --port 9000 --data /data/claq`;

/** The service, loaded when the command runs. */
export interface ServeService {
  readonly startServer: typeof startServer;
  readonly openPage: typeof openPage;
  readonly openStudio: (options: {
    dataFolder: string;
    host: 'browser';
  }) => Promise<{ readonly router: ServerOptions['router']; close(): Promise<void> }>;
  readonly defaultDataFolder: () => string;
  /** Folder of the built page. */
  readonly RENDERER_FOLDER: string;
}

/** `claq serve`: CLAQ Studio in a browser. */
export function registerServe(program: Command, service: () => Promise<ServeService>): void {
  program
    .command('serve')
    .summary('CLAQ Studio in a browser')
    .description('Serve CLAQ Studio to a browser, on this machine or through a tunnel, until Ctrl-C.')
    .option('--port <N>', `port of the server (default: ${USUAL_PORT}, or a free one)`, wholeValue)
    .addOption(dataOption())
    .option(
      '--allow-host <HOST...>',
      'hosts that browsers may reach it by, with the port: gpu-box:9000, for proxies and tunnels to other ports',
    )
    .option('--open', 'open the page in the browser')
    .option('--json', 'one JSON event a line on stdout, for scripts')
    .addHelpText('after', NOTES)
    .action(async (_options: unknown, command: Command) => {
      const options = checkedRequest(command, optionsSchema, command.opts(), FLAGS);
      process.exitCode = await runCommand('serve', options, async (hooks) => {
        const origin = await serveUntilStopped(await service(), options, hooks);
        return { value: { origin }, text: () => '' };
      });
    });
}

/** Returns the origin that was served. */
async function serveUntilStopped(
  service: ServeService,
  options: Options,
  hooks: CommandHooks,
): Promise<string> {
  const dataFolder = options.data ?? service.defaultDataFolder();
  const studio = await service.openStudio({ dataFolder, host: 'browser' });
  try {
    const server = await startOn(options.port, (port) =>
      service.startServer({
        router: studio.router,
        rendererFolder: service.RENDERER_FOLDER,
        allowedHosts: options.allowHost,
        port,
        onFault: (error) => hooks.onNote(faultLine(error)),
      }),
    );
    try {
      announce(server, options, hooks);
      if (options.open && !(await service.openPage(server.ticketUrl()))) {
        hooks.onNote('No browser was found: open the address above.');
      }
      await stopped(hooks.signal);
      return server.origin;
    } finally {
      await server.close();
    }
  } finally {
    await studio.close();
  }
}

/** The usual port is a wish, a named one an order. */
async function startOn(
  port: number | undefined,
  start: (port: number) => Promise<RunningServer>,
): Promise<RunningServer> {
  if (port !== undefined) return await start(port);
  try {
    return await start(USUAL_PORT);
  } catch (error) {
    if (error instanceof ClaqError && error.code === 'serve/address-unavailable') return await start(0);
    throw error;
  }
}

function announce({ url, origin, port }: RunningServer, { json }: Options, { onNote }: CommandHooks): void {
  process.stdout.write(json ? eventLine({ event: 'serving', url, origin, port }) : `${url}\n`);
  const here = `${userInfo().username}@${hostname()}`;
  onNote(
    `From another machine: ssh -N -L ${port}:127.0.0.1:${port} ${here}, then open the same address there.`,
  );
  onNote('Ctrl-C ends it.');
}

function faultLine(error: unknown): string {
  return `fault in claq: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
