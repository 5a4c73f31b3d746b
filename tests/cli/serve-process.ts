/**
 * `claq serve` with a studio of one call, for the tests of the command: `serve-process.ts FOLDER-OF-THE-PAGE ...options`. What the
 * studio is told stands on stderr.
 */
import { oc } from '@orpc/contract';
import { implement } from '@orpc/server';
import { Command } from 'commander';
import { registerServe } from '../../main/cli/commands/serve.ts';
import { openPage } from '../../main/service/serve/open-page.ts';
import { startServer } from '../../main/service/serve/start-server.ts';

const [pageFolder = '', ...args] = process.argv.slice(2);
const os = implement({ fail: oc });
const router = os.router({
  fail: os.fail.handler(() => {
    throw new TypeError('the tests broke it');
  }),
});

const program = new Command('claq').exitOverride();
registerServe(program, () =>
  Promise.resolve({
    startServer,
    openPage,
    openStudio({ dataFolder, host }) {
      process.stderr.write(`opened ${dataFolder} for the ${host}\n`);
      return Promise.resolve({
        router,
        close() {
          process.stderr.write('closed\n');
          return Promise.resolve();
        },
      });
    },
    defaultDataFolder: () => 'the usual folder',
    RENDERER_FOLDER: pageFolder,
  }),
);
await program.parseAsync(args, { from: 'user' }).catch(() => {
  process.exitCode = 2;
});
