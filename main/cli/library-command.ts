import type { Command } from 'commander';
import { z } from 'zod';
import type { OpenLibrary, WithLibrary } from './library-client.ts';
import { dataOption } from './option-values.ts';
import { type CommandHooks, type CommandResult, runCommand } from './run-command.ts';

/** Loaded when a command runs: the store and its database are not for `--help`. */
export type LoadLibrary = () => Promise<WithLibrary>;

/** Options of every command of the library. */
export const libraryOptionsSchema = z.object({
  data: z.string().min(1, 'a path may not be empty').optional(),
  json: z.boolean().default(false),
});

export const LIBRARY_FLAGS = { data: '--data' } as const;

/**
 * `claq models`, `claq runs`: a command of commands, of which the list is the one meant where none is named.
 * @param does for the summary: `list, add, remove`
 */
export function libraryGroup(
  program: Command,
  name: 'models' | 'runs',
  does: string,
  notes: string,
): Command {
  return program
    .command(name)
    .summary(`${name} of the library: ${does}`)
    .description(`The ${name} of CLAQ Studio's library; without a further word their list.`)
    .helpCommand('help [command]', 'print help of a command')
    .addHelpText('after', notes);
}

export function withLibraryOptions(command: Command): Command {
  return command.addOption(dataOption()).option('--json', 'one JSON event a line on stdout, for scripts');
}

/** Runs a command's work with the library open, and sets the exit code. */
export async function runInLibrary(
  name: string,
  { data, json }: z.output<typeof libraryOptionsSchema>,
  load: LoadLibrary,
  work: (library: OpenLibrary, hooks: CommandHooks) => Promise<CommandResult>,
): Promise<void> {
  process.exitCode = await runCommand(name, { json }, async (hooks) => {
    const withLibrary = await load();
    return await withLibrary(data, (library) => work(library, hooks));
  });
}
