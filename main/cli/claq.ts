#!/usr/bin/env node
/**
 * The command `claq`: each verb is one call of the service, or of the contract where it is about the library. Those that compute do
 * it in the engine's thread.
 */
import { Command, CommanderError } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { registerDoctor } from './commands/doctor.ts';
import { registerEvaluate } from './commands/evaluate.ts';
import { registerExport } from './commands/export.ts';
import { registerInspect } from './commands/inspect.ts';
import { registerModels } from './commands/models.ts';
import { registerQuantize } from './commands/quantize.ts';
import { registerRuns } from './commands/runs.ts';
import { registerServe } from './commands/serve.ts';
import { registerSetup } from './commands/setup.ts';
import { EXIT_CODES } from './run-command.ts';
import { inEngineThread } from '../service/engine-thread/run-in-thread.ts';
import { systemErrorCode } from '../../shared/system-error.ts';

const EXIT_HELP = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled by Ctrl-C.
Results go to stdout, progress and errors to stderr. NO_COLOR=1 turns colours off.`;

function buildProgram(): Command {
  const program = new Command('claq')
    .description(manifest.description)
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .showHelpAfterError('(see --help)')
    .showSuggestionAfterError()
    .addHelpText('after', EXIT_HELP)
    .exitOverride();
  registerInspect(program, (request, hooks) => inEngineThread('inspect', request, hooks));
  registerQuantize(program, (request, hooks) => inEngineThread('quantize', request, hooks));
  registerEvaluate(program, (request, hooks) => inEngineThread('evaluate', request, hooks));
  registerExport(program, (request, hooks) => inEngineThread('export', request, hooks));
  registerSetup(program, async () => ({
    setUp: (await import('../service/tensorflow-setup/set-up-tensorflow.ts')).setUpTensorflow,
    remove: (await import('../service/tensorflow-setup/remove-tensorflow.ts')).removeTensorflow,
  }));
  registerDoctor(program, async () => (await import('../service/doctor/examine-machine.ts')).examineMachine);
  const library = async () => (await import('./library-client.ts')).withLibrary;
  registerModels(program, library);
  registerRuns(program, library);
  registerServe(program, async () => {
    const [studio, server, page, folders] = await Promise.all([
      import('../service/studio/studio.ts'),
      import('../service/serve/start-server.ts'),
      import('../service/serve/open-page.ts'),
      import('../service/serve/served-folders.ts'),
    ]);
    return { ...studio, ...server, ...page, ...folders };
  });
  return program;
}

// `claq inspect | head` closes the pipe early: what was wanted has been read.
process.stdout.on('error', (error) => {
  if (systemErrorCode(error) === 'EPIPE') process.exit(EXIT_CODES.success);
  throw error;
});

try {
  await buildProgram().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed the help, the version or what is wrong with the usage.
  process.exitCode = error.exitCode === 0 ? EXIT_CODES.success : EXIT_CODES.usage;
}
