import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { modelIdSchema } from '../../../shared/library.ts';
import { runIdSchema } from '../../../shared/runs.ts';
import type { OpenLibrary } from '../library-client.ts';
import {
  LIBRARY_FLAGS,
  libraryGroup,
  libraryOptionsSchema,
  type LoadLibrary,
  runInLibrary,
  withLibraryOptions,
} from '../library-command.ts';
import { runsText } from '../library-tables.ts';
import { checkedRequest, wholeValue } from '../option-values.ts';
import type { CommandResult } from '../run-command.ts';

const listSchema = libraryOptionsSchema.extend({ model: modelIdSchema.optional() });
const addSchema = libraryOptionsSchema.extend({ folder: z.string().min(1, 'a path may not be empty') });
const cancelSchema = libraryOptionsSchema.extend({ id: runIdSchema });
const removeSchema = libraryOptionsSchema.extend({
  id: runIdSchema,
  deleteFolder: z.boolean().default(false),
});

const FLAGS = { ...LIBRARY_FLAGS, model: '--model', folder: 'FOLDER', id: 'ID' };

const NOTES = `
The library is the one of the app and of claq serve, which have it to themselves while they are open. A run that waits there
goes on waiting: these commands start none. Each command takes --data and --json, the list also --model ID.

Examples:
  claq runs
  claq runs --model 3
  claq runs add runs/llama-7b-2.12-1
  claq runs cancel 12
  claq runs remove 12 --delete-folder`;

/** `claq runs`: the runs of the library, and what changes their list. */
export function registerRuns(program: Command, load: LoadLibrary): void {
  const runs = libraryGroup(program, 'runs', 'list, add, cancel, remove', NOTES);

  withLibraryOptions(
    runs
      .command('list', { isDefault: true })
      .summary('list the runs (the default)')
      .description('List the runs, the latest first.')
      .option('--model <ID>', 'only the runs of this model, by its number in claq models', wholeValue),
  ).action(async (_options: unknown, command: Command) => {
    const options = checkedRequest(command, listSchema, command.opts(), FLAGS);
    await runInLibrary('runs list', options, load, (library) => list(library, options));
  });

  withLibraryOptions(
    runs
      .command('add')
      .summary('take in a run of claq quantize')
      .description(
        'Take in a run that claq quantize made, complete or not, with its model. Its folder stays where it is.',
      )
      .argument('<folder>', 'folder of the run'),
  ).action(async (folder: string, _options: unknown, command: Command) => {
    const request = checkedRequest(command, addSchema, { ...command.opts(), folder }, FLAGS);
    await runInLibrary('runs add', request, load, async ({ client, dataFolder }) => {
      const run = await client.runs.addFolder({ folder: request.folder });
      return { value: run, text: () => runsText([run], { dataFolder }) };
    });
  });

  withLibraryOptions(
    runs
      .command('cancel')
      .summary('take a run out of the queue')
      .description(
        'Take a run that waits or is paused out of the queue. What it has finished stays in its folder; the app can go on with it.',
      )
      .argument('<id>', 'number of the run, as the list has it', wholeValue),
  ).action(async (id: number, _options: unknown, command: Command) => {
    const request = checkedRequest(command, cancelSchema, { ...command.opts(), id }, FLAGS);
    await runInLibrary('runs cancel', request, load, async ({ client, dataFolder }) => {
      await client.runs.cancel({ id: request.id });
      const run = await client.runs.get({ id: request.id });
      return { value: run, text: () => runsText([run], { dataFolder }) };
    });
  });

  withLibraryOptions(
    runs
      .command('remove')
      .summary('take a run out of the library')
      .description('Take a run out of the library. Its folder stays where it is.')
      .argument('<id>', 'number of the run, as the list has it', wholeValue)
      .option('--delete-folder', 'delete its folder, with the results and the exports in it'),
  ).action(async (id: number, _options: unknown, command: Command) => {
    const request = checkedRequest(command, removeSchema, { ...command.opts(), id }, FLAGS);
    await runInLibrary('runs remove', request, load, (library) => remove(library, request));
  });
}

async function list(
  { client, dataFolder }: OpenLibrary,
  { model }: z.output<typeof listSchema>,
): Promise<CommandResult> {
  if (model === undefined) {
    const all = await client.runs.list({});
    return { value: all, text: () => runsText(all, { dataFolder }) };
  }
  // An unknown one is an error, not a model without runs.
  const { name } = await client.models.get({ id: model });
  const ofModel = await client.runs.list({ modelId: model });
  return { value: ofModel, text: () => runsText(ofModel, { of: name, dataFolder }) };
}

async function remove(
  { client }: OpenLibrary,
  { id, deleteFolder }: z.output<typeof removeSchema>,
): Promise<CommandResult> {
  const { folder, modelName, budget } = await client.runs.get({ id });
  await client.runs.remove({ id, deleteFolder });
  const stays = existsSync(folder);
  return {
    value: { id, folder, folderDeleted: deleteFolder && !stays },
    text: () => {
      const removed = `Removed run ${id} (${modelName}, ${budget}) from the library`;
      if (!stays) return `${removed}.\n`;
      const why = deleteFolder ? ', since it is not that of a run' : '';
      return `${removed}; its folder stays${why}: ${folder}\n`;
    },
  };
}
