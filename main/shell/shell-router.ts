/** The shell's side of shell-contract.ts: what each call does, in a line. */
import { implement, type Router } from '@orpc/server';
import { shell, type BrowserWindow } from 'electron';
import { ClaqError, plainError } from '../../shared/errors.ts';
import { shellContract } from '../../shared/shell-contract.ts';
import { chooseFile, chooseFolder, chooseSaveFolder } from './dialogs.ts';
import { openLogs } from './logs.ts';
import type { ServiceProcess } from './service-process.ts';
import type { ShellEvents } from './shell-events.ts';
import { setTheme, theme } from './theme.ts';
import type { TokenStore } from './token-store.ts';

/** What is known of the port that a call came by. */
export interface CallContext {
  /** Another port was given to the same page: what goes on for ever on this one ends. */
  readonly replaced: AbortSignal;
}

export type ShellRouter = Router<typeof shellContract, CallContext>;

export interface ShellRouterParts {
  readonly events: ShellEvents;
  readonly service: Pick<ServiceProcess<never>, 'state' | 'restart' | 'passHubToken'>;
  readonly tokens: TokenStore;
  readonly window: () => BrowserWindow | undefined;
}

export function shellRouter({ events, service, tokens, window }: ShellRouterParts): ShellRouter {
  const os = implement(shellContract)
    .$context<CallContext>()
    .use(async ({ next, errors }) => {
      try {
        return await next();
      } catch (error) {
        if (!(error instanceof ClaqError)) throw error;
        throw errors.CLAQ({ message: error.message, data: plainError(error) });
      }
    });
  return os.router({
    events: os.events.handler(({ signal, context }) => {
      const ends = signal === undefined ? context.replaced : AbortSignal.any([signal, context.replaced]);
      return events.watch(() => service.state, ends);
    }),
    dialogs: {
      chooseFolder: os.dialogs.chooseFolder.handler(({ input }) => chooseFolder(window(), input)),
      chooseSaveFolder: os.dialogs.chooseSaveFolder.handler(({ input }) => chooseSaveFolder(window(), input)),
      chooseFile: os.dialogs.chooseFile.handler(({ input }) => chooseFile(window(), input)),
    },
    showInFolder: os.showInFolder.handler(({ input }) => {
      shell.showItemInFolder(input.path);
    }),
    openLogs: os.openLogs.handler(() => {
      openLogs();
    }),
    theme: {
      get: os.theme.get.handler(() => theme()),
      set: os.theme.set.handler(({ input }) => {
        setTheme(input.theme);
      }),
    },
    hubToken: {
      state: os.hubToken.state.handler(() => tokens.state()),
      set: os.hubToken.set.handler(async ({ input }) => {
        await tokens.set(input.token);
        service.passHubToken();
        return await tokens.state();
      }),
      clear: os.hubToken.clear.handler(async () => {
        await tokens.clear();
        service.passHubToken();
        return await tokens.state();
      }),
    },
    service: {
      restart: os.service.restart.handler(() => {
        service.restart();
      }),
    },
  });
}
