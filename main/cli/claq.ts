#!/usr/bin/env node
/**
 * The command `claq`: each verb is one call of the service, or of the contract where it is about the library. Those that compute do
 * it in the engine's thread.
 */
import { Command, CommanderError } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import type { WithLibrary } from './library-client.ts';
import { EXIT_CODES } from './run-command.ts';
import { inEngineThread } from '../service/engine-thread/run-in-thread.ts';
import { systemErrorCode } from '../../shared/system-error.ts';

const EXIT_HELP = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled by Ctrl-C.
Results go to stdout, progress and errors to stderr. NO_COLOR=1 turns colours off.`;

type Registration = readonly [name: string, register: (program: Command) => Promise<void>];

/** In the order of the help. Each loads what its command wants: a window that waits for `serve` does not wait for the others' parts. */
const REGISTRATIONS: readonly Registration[] = [
  [
    'inspect',
    async (program) => {
      const { registerInspect } = await import('./commands/inspect.ts');
      registerInspect(program, {
        inspect: (request, hooks) => inEngineThread('inspect', request, hooks),
        sensitivity: (request, hooks) => inEngineThread('sensitivity', request, hooks),
      });
    },
  ],
  [
    'quantize',
    async (program) => {
      const { registerQuantize } = await import('./commands/quantize.ts');
      registerQuantize(program, (request, hooks) => inEngineThread('quantize', request, hooks));
    },
  ],
  [
    'evaluate',
    async (program) => {
      const { registerEvaluate } = await import('./commands/evaluate.ts');
      registerEvaluate(program, (request, hooks) => inEngineThread('evaluate', request, hooks));
    },
  ],
  [
    'export',
    async (program) => {
      const { registerExport } = await import('./commands/export.ts');
      registerExport(program, (request, hooks) => inEngineThread('export', request, hooks));
    },
  ],
  [
    'setup',
    async (program) => {
      const { registerSetup } = await import('./commands/setup.ts');
      registerSetup(program, async () => ({
        setUp: (await import('../service/tensorflow-setup/set-up-tensorflow.ts')).setUpTensorflow,
        remove: (await import('../service/tensorflow-setup/remove-tensorflow.ts')).removeTensorflow,
      }));
    },
  ],
  [
    'doctor',
    async (program) => {
      const { registerDoctor } = await import('./commands/doctor.ts');
      registerDoctor(
        program,
        async () => (await import('../service/doctor/examine-machine.ts')).examineMachine,
      );
    },
  ],
  [
    'models',
    async (program) => {
      const { registerModels } = await import('./commands/models.ts');
      registerModels(program, library);
    },
  ],
  [
    'runs',
    async (program) => {
      const { registerRuns } = await import('./commands/runs.ts');
      registerRuns(program, library);
    },
  ],
  [
    'serve',
    async (program) => {
      const { registerServe } = await import('./commands/serve.ts');
      registerServe(program, async () => {
        const [studio, server, page, folders] = await Promise.all([
          import('../service/studio/studio.ts'),
          import('../service/serve/start-server.ts'),
          import('../service/serve/open-page.ts'),
          import('../service/serve/served-folders.ts'),
        ]);
        return { ...studio, ...server, ...page, ...folders };
      });
    },
  ],
];

async function library(): Promise<WithLibrary> {
  return (await import('./library-client.ts')).withLibrary;
}

/** The command that is named at once; all of them where help is asked for, or a name is none. */
function registrationsFor([first]: readonly string[]): readonly Registration[] {
  const named = REGISTRATIONS.filter(([name]) => name === first);
  return named.length > 0 ? named : REGISTRATIONS;
}

async function buildProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('claq')
    .description(manifest.description)
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .showHelpAfterError('(see --help)')
    .showSuggestionAfterError()
    .addHelpText('after', EXIT_HELP)
    .exitOverride();
  for (const [, register] of registrationsFor(words)) await register(program);
  return program;
}

// `claq inspect | head` closes the pipe early: what was wanted has been read.
process.stdout.on('error', (error) => {
  if (systemErrorCode(error) === 'EPIPE') process.exit(EXIT_CODES.success);
  throw error;
});

try {
  await (await buildProgram(process.argv.slice(2))).parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed the help, the version or what is wrong with the usage.
  process.exitCode = error.exitCode === 0 ? EXIT_CODES.success : EXIT_CODES.usage;
}
