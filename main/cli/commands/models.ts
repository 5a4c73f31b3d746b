import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { downloadRequestSchema } from '../../../shared/download-request.ts';
import { ClaqError, type ErrorCode } from '../../../shared/errors.ts';
import { type ModelCard, modelIdSchema } from '../../../shared/library.ts';
import { followActivity } from '../follow-activity.ts';
import type { OpenLibrary } from '../library-client.ts';
import {
  LIBRARY_FLAGS,
  libraryGroup,
  libraryOptionsSchema,
  type LoadLibrary,
  runInLibrary,
  withLibraryOptions,
} from '../library-command.ts';
import { modelsText } from '../library-tables.ts';
import { checkedRequest, wholeValue } from '../option-values.ts';
import type { CommandHooks } from '../run-command.ts';

const addSchema = libraryOptionsSchema.extend({ folder: z.string().min(1, 'a path may not be empty') });
const downloadSchema = libraryOptionsSchema.extend(downloadRequestSchema.omit({ token: true }).shape);
const removeSchema = libraryOptionsSchema.extend({
  id: modelIdSchema,
  deleteDownload: z.boolean().default(false),
});

const FLAGS = {
  ...LIBRARY_FLAGS,
  folder: 'FOLDER',
  repository: 'OWNER/NAME',
  revision: '--revision',
  id: 'ID',
};

const NOTES = `
The library is the one of the app and of claq serve, which have it to themselves while they are open. Each command takes
--data and --json.

Examples:
  claq models
  claq models add models/llama-7b
  claq models download HuggingFaceTB/SmolLM2-135M-Instruct
  claq models remove 3 --delete-download`;

const DOWNLOAD_NOTES = `
A download that was stopped goes on where it was when the same command is given again. Models that are not for everybody need
a token, which is read from the environment variable HF_TOKEN. HF_ENDPOINT names another hub.

Examples:
  claq models download HuggingFaceTB/SmolLM2-135M-Instruct
  HF_TOKEN=$(cat token.txt) claq models download meta-llama/Llama-3.2-1B --revision main`;

const TOKEN_ADVICE = 'A token is read from the environment variable HF_TOKEN.';

/** What errors that a window meets too do not say to somebody at a terminal. */
const DOWNLOAD_ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  'run/cancelled': 'What has come is kept: the same command goes on behind it.',
  'hub/needs-token': TOKEN_ADVICE,
  // A hub does not tell strangers that there is a private model of that name.
  'hub/not-found': TOKEN_ADVICE,
};

/** `claq models`: the models of the library, and what changes them. */
export function registerModels(program: Command, load: LoadLibrary): void {
  const models = libraryGroup(program, 'models', 'list, add, download, remove', NOTES);

  withLibraryOptions(
    models
      .command('list', { isDefault: true })
      .summary('list the models (the default)')
      .description('List the models.'),
  ).action(async (_options: unknown, command: Command) => {
    const options = checkedRequest(command, libraryOptionsSchema, command.opts(), FLAGS);
    await runInLibrary('models list', options, load, async ({ client, dataFolder }) => {
      const list = await client.models.list();
      return { value: list, text: () => modelsText(list, dataFolder) };
    });
  });

  withLibraryOptions(
    models
      .command('add')
      .summary('add a model that is on the disk')
      .description('Add a model that is on the disk. It stays where it is.')
      .argument('<folder>', 'folder of a Hugging Face model, or a GGUF file'),
  ).action(async (folder: string, _options: unknown, command: Command) => {
    const request = checkedRequest(command, addSchema, { ...command.opts(), folder }, FLAGS);
    await runInLibrary('models add', request, load, async ({ client, dataFolder }) => {
      const model = await client.models.addFolder({ folder: request.folder });
      return { value: model, text: () => modelsText([model], dataFolder) };
    });
  });

  withLibraryOptions(
    models
      .command('download')
      .summary('download a model from Hugging Face')
      .description('Download a model from Hugging Face, and add it.')
      .argument('<owner/name>', 'name of the model there')
      .option('--revision <NAME>', 'branch, tag or commit', 'main'),
  )
    .addHelpText('after', DOWNLOAD_NOTES)
    .action(async (repository: string, _options: unknown, command: Command) => {
      const request = checkedRequest(command, downloadSchema, { ...command.opts(), repository }, FLAGS);
      await runInLibrary('models download', request, load, async (library, hooks) => {
        const model = await download(library.client, request, hooks);
        return { value: model, text: () => modelsText([model], library.dataFolder) };
      });
    });

  withLibraryOptions(
    models
      .command('remove')
      .summary('take a model out of the library')
      .description(
        'Take a model out of the library, with the entries of its runs. Files stay where they are.',
      )
      .argument('<id>', 'number of the model, as the list has it', wholeValue)
      .option('--delete-download', 'delete its files, where the program downloaded them'),
  ).action(async (id: number, _options: unknown, command: Command) => {
    const request = checkedRequest(command, removeSchema, { ...command.opts(), id }, FLAGS);
    await runInLibrary('models remove', request, load, async ({ client }) => {
      const model = await client.models.get({ id: request.id });
      const { deleteDownload } = request;
      if (deleteDownload) requireDownload(model);
      await client.models.remove({ id: request.id, deleteDownload });
      const stays = existsSync(model.folder);
      return {
        value: { id: model.id, folder: model.folder, filesDeleted: deleteDownload && !stays },
        text: () =>
          `Removed ${model.name} from the library${stays ? `; its files stay in ${model.folder}` : ''}.\n`,
      };
    });
  });
}

/** The token is the environment's: a command line is read by whoever lists processes. */
async function download(
  client: OpenLibrary['client'],
  { repository, revision }: z.output<typeof downloadSchema>,
  hooks: CommandHooks,
): Promise<ModelCard> {
  const { activity } = await client.models.download({ repository, revision });
  try {
    const { modelId } = await followActivity(client, activity, hooks);
    if (modelId === null) throw new Error('the download became no model');
    return await client.models.get({ id: modelId });
  } catch (error) {
    const advice = error instanceof ClaqError ? DOWNLOAD_ADVICE[error.code] : undefined;
    if (advice !== undefined) hooks.onNote(advice);
    throw error;
  }
}

/** Whoever asks to have files deleted should not believe that they are. */
function requireDownload({ source, folder }: ModelCard): void {
  if (source.kind === 'hub') return;
  throw new ClaqError('request/invalid', 'Only files that the program downloaded are deleted', {
    where: folder,
    expected: 'a model that claq models download or the app has fetched',
    found: source.kind === 'demo' ? 'the model that comes with the program' : 'a folder of yours',
    remedy: 'leave out --delete-download, and delete the files yourself if you want to',
  });
}
