/** `claq models` and `claq runs`: real processes, a library on the disk, and a hub on this machine. */
import { access, mkdtemp, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { withLibrary } from '../../main/cli/library-client.ts';
import { defaultDataFolder } from '../../main/service/serve/served-folders.ts';
import { type ModelCard, modelCardSchema } from '../../shared/library.ts';
import { type RunCard, runCardSchema } from '../../shared/runs.ts';
import { type LocalHub, type LocalHubOptions, startLocalHub } from '../service/hub/local-hub.ts';
import { ControlledEngine } from '../service/studio/controlled-engine.ts';
import { openTestStudio } from '../service/studio/open-test-studio.ts';
import { QUICK_TEXTS, writeTinyModel } from '../service/tiny-model.ts';
import { claq, eventsOf, finish, start } from './claq-process.ts';

const REPOSITORY = 'owner/tiny';
const WEIGHTS = 'model.safetensors';
const TOKEN = 'hf_ofTheTests';

let folder = '';
let data = '';
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'claq-test-')));
  data = join(folder, 'library');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** What the command answers to a script. */
async function answer(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await claq(...args, '--data', data, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return resultOf(stdout);
}

function resultOf(stdout: string): unknown {
  const event = eventsOf(stdout).at(-1);
  if (event?.event !== 'result') throw new Error(`no result: ${stdout}`);
  return event.result;
}

async function models(): Promise<ModelCard[]> {
  return z.array(modelCardSchema).parse(await answer('models'));
}

async function runs(...args: string[]): Promise<RunCard[]> {
  return z.array(runCardSchema).parse(await answer('runs', ...args));
}

/** Code, and the error as a script is told it. */
async function refusal(...args: string[]): Promise<unknown[]> {
  const { code, stdout } = await claq(...args, '--data', data, '--json');
  return [code, eventsOf(stdout).at(-1)];
}

describe('claq models', () => {
  it('adds, lists and removes in the library that a window opens', async () => {
    const model = await writeTinyModel(join(folder, 'tiny'));
    const empty = await claq('models', '--data', data);
    expect([empty.code, empty.stderr]).toEqual([0, '']);
    expect(empty.stdout).toMatch(`No models in the library of ${data} yet. Add one:\n`);

    const added = modelCardSchema.parse(await answer('models', 'add', model));
    expect(added).toMatchObject({ name: 'tiny', folder: model, source: { kind: 'folder' }, missing: false });
    const { studio, client } = await openTestStudio(data);
    expect(await client.models.list()).toEqual([added]);
    await studio.close();
    const { code, stdout } = await claq('models', 'list', '--data', data);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`\n +${added.id} +tiny +llama .+ folder +${model} *\n$`));

    const id = String(added.id);
    expect(await refusal('models', 'remove', id, '--delete-download')).toEqual([
      1,
      expect.objectContaining({ code: 'request/invalid', where: model, found: 'a folder of yours' }),
    ]);
    expect(await models()).toEqual([added]);
    expect(await claq('models', 'remove', id, '--data', data)).toEqual({
      code: 0,
      stderr: '',
      stdout: `Removed tiny from the library; its files stay in ${model}.\n`,
    });
    expect(await models()).toEqual([]);
    await access(join(model, WEIGHTS));
    // Nothing of the process is left in the folder.
    expect(await readdir(data)).toEqual(['library.sqlite']);
  });

  it('takes the library of claq serve where no other is named', async () => {
    vi.stubEnv('HOME', folder);
    vi.stubEnv('XDG_DATA_HOME', join(folder, 'data'));
    const { code, stdout } = await claq('models');
    expect([code, stdout]).toEqual([0, expect.stringContaining(`the library of ${defaultDataFolder()} yet`)]);
    await access(join(defaultDataFolder(), 'library.sqlite'));
  });

  it('says what is wrong as the other commands do', async () => {
    const { code, stdout, stderr } = await claq('models', 'add', folder, '--data', data);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^error: .+\n {2}where: .+\n(.+\n)* {2}what to do: .+\n$/);
    expect(await refusal('models', 'remove', '9')).toEqual([
      1,
      {
        event: 'error',
        code: 'library/not-found',
        message: 'The library has no such model',
        found: 'number 9',
        remedy: 'it may have been removed in another window: look at the list again',
      },
    ]);
  });

  it('leaves a library alone that a window has open', async () => {
    const { studio } = await openTestStudio(data);
    for (const command of ['models', 'runs']) {
      const { code, stdout, stderr } = await claq(command, '--data', data);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(`error: CLAQ Studio is open already\n  where: ${join(data, 'run.lock')}\n`);
      expect(stderr).toMatch(`found: held by process ${process.pid} on `);
      expect(stderr).toMatch('what to do: use the window that is open, wait for the command ');
    }
    await studio.close();
    expect(await models()).toEqual([]);
  });

  it.each<[string, string[], string]>([
    ['a number that is none', ['models', 'remove', 'tiny'], 'It is not a number.'],
    ['the number 0', ['models', 'remove', '0'], 'error: ID: Too small: expected number to be >0, found 0'],
    [
      'a name without owner',
      ['models', 'download', 'tiny'],
      'error: OWNER/NAME: a repository has the form owner/name, found tiny',
    ],
    ['no folder', ['models', 'add'], "error: missing required argument 'folder'"],
    [
      'a token on the command line',
      ['models', 'download', 'a/b', '--token', 'hf_x'],
      "unknown option '--token'",
    ],
    ['a model by name', ['runs', '--model', 'tiny'], 'It is not a number.'],
    ['an empty path', ['runs', '--data', ''], 'error: --data: a path may not be empty'],
  ])('calls %s a usage error', async (_, args, message) => {
    const { code, stdout, stderr } = await claq(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  it.each(['models', 'runs'])('has help with examples: %s', async (command) => {
    const { code, stdout } = await claq(command, '--help');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/Examples:\n {2}claq (models|runs)\n/)]);
  });
});

describe('claq models download', () => {
  /** A hub with a tiny model, which it gives to those with the token. */
  async function hubOfTiny(intercept?: LocalHubOptions['intercept']): Promise<LocalHub> {
    const files = await writeTinyModel(join(folder, 'on-the-hub'));
    const repository = { revision: 'main', files, token: TOKEN };
    const hub = await startLocalHub({
      repositories: { [REPOSITORY]: repository },
      ...(intercept === undefined ? {} : { intercept }),
    });
    onTestFinished(() => hub.close());
    vi.stubEnv('HF_ENDPOINT', hub.url);
    vi.stubEnv('HF_TOKEN', TOKEN);
    return hub;
  }

  it('downloads with the token of the environment, shows how far it is, and adds the model once', async () => {
    const hub = await hubOfTiny();
    const { code, stdout, stderr } = await claq('models', 'download', REPOSITORY, '--data', data, '--json');
    expect([code, stderr]).toEqual([0, '']);
    const model = modelCardSchema.parse(resultOf(stdout));
    expect(model).toMatchObject({
      name: 'tiny',
      folder: join(data, 'models', 'owner--tiny'),
      source: { kind: 'hub', repository: REPOSITORY },
    });
    const weights = await readFile(join(folder, 'on-the-hub', WEIGHTS));
    expect((await readFile(join(model.folder, WEIGHTS))).equals(weights)).toBe(true);
    const progress = eventsOf(stdout).filter(({ event }) => event === 'progress');
    expect(progress.at(-1)).toMatchObject({ phase: 'Downloading', unit: 'bytes' });
    expect(progress.at(-1)).toSatisfy(({ done, total }: { done: number; total: number }) => done === total);

    const before = hub.requests.length;
    expect(await answer('models', 'download', REPOSITORY)).toEqual(model);
    expect(hub.requests.slice(before).filter(({ server }) => server === 'storage')).toEqual([]);
    expect(await models()).toEqual([model]);

    expect(await answer('models', 'remove', String(model.id), '--delete-download')).toEqual({
      id: model.id,
      folder: model.folder,
      filesDeleted: true,
    });
    await expect(access(model.folder)).rejects.toThrow('ENOENT');
  });

  it('says that a token is needed, and adds nothing', async () => {
    await hubOfTiny();
    vi.stubEnv('HF_TOKEN', '');
    const { code, stdout } = await claq('models', 'download', REPOSITORY, '--data', data, '--json');
    expect(code).toBe(1);
    expect(eventsOf(stdout).slice(-2)).toMatchObject([
      { event: 'note', note: 'A token is read from the environment variable HF_TOKEN.' },
      { event: 'error', code: 'hub/needs-token' },
    ]);
    expect(await models()).toEqual([]);
  });

  it('is stopped by Ctrl-C, keeps what has come, and goes on behind it', async () => {
    let stalls = true;
    const weights = await readFile(join(await writeTinyModel(join(folder, 'same')), WEIGHTS));
    const half = weights.subarray(0, weights.length / 2);
    const hub = await hubOfTiny((request, response) => {
      if (request.server !== 'storage' || request.file !== WEIGHTS || !stalls) return false;
      response.writeHead(200, { 'content-length': weights.length }).write(half);
      return true;
    });
    const partial = join(data, 'models', 'owner--tiny', `${WEIGHTS}.partial`);
    const child = start('main/cli/claq.ts', ['models', 'download', REPOSITORY, '--data', data, '--json']);
    const finished = finish(child);
    await sizeOf(partial, half.length);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await finished;
    expect([code, stderr]).toEqual([130, expect.stringMatching(/Cancelled\.\n$/)]);
    expect(eventsOf(stdout).slice(-2)).toEqual([
      { event: 'note', note: 'What has come is kept: the same command goes on behind it.' },
      { event: 'error', code: 'run/cancelled', message: 'Cancelled' },
    ]);
    expect((await stat(partial)).size).toBe(half.length);
    expect(await models()).toEqual([]);

    stalls = false;
    const model = modelCardSchema.parse(await answer('models', 'download', REPOSITORY));
    expect((await readFile(join(model.folder, WEIGHTS))).equals(weights)).toBe(true);
    const ofWeights = hub.requests.filter(({ server, file }) => server === 'storage' && file === WEIGHTS);
    expect(ofWeights.map(({ range }) => range)).toEqual([undefined, `bytes=${half.length}-`]);
  });
});

describe('claq runs', () => {
  it('takes in a run of claq quantize, lists and removes it', async () => {
    const model = await writeTinyModel(join(folder, 'tiny'));
    const run = join(folder, 'run');
    const { calibration, evaluation } = QUICK_TEXTS;
    const quantized = await claq(
      ...[
        'quantize',
        model,
        '--bits',
        '2',
        '--out',
        run,
        '--engine',
        'wasm',
        '--threads',
        '1',
        '--no-export',
      ],
      ...['--segments', String(calibration.segments), '--segment-length', String(calibration.segmentLength)],
      ...['--windows', String(evaluation.windows), '--context', String(evaluation.contextLength)],
    );
    expect(quantized).toMatchObject({ code: 0 });

    const added = runCardSchema.parse(await answer('runs', 'add', run));
    expect(added).toMatchObject({ modelName: 'tiny', folder: run, state: 'complete', matricesDone: 7 });
    const [ofTiny] = await models();
    expect(ofTiny).toMatchObject({ id: added.modelId, folder: model, runs: { complete: 1, open: 0 } });
    expect(await runs('--model', String(added.modelId))).toEqual([added]);
    const { stdout } = await claq('runs', '--data', data);
    expect(stdout).toMatch(new RegExp(`\n +${added.id} +tiny +2 .* complete +7 of 7 .* -> .* ${run} *\n$`));
    expect(await refusal('runs', '--model', '99')).toEqual([
      1,
      expect.objectContaining({ code: 'library/not-found', found: 'number 99' }),
    ]);

    const removed = await claq('runs', 'remove', String(added.id), '--data', data);
    expect(removed.stdout).toMatch(
      /^Removed run 1 \(tiny, 2.*\) from the library; its folder stays: .+\/run\n$/,
    );
    const again = runCardSchema.parse(await answer('runs', 'add', run));
    expect(await answer('runs', 'remove', String(again.id), '--delete-folder')).toEqual({
      id: again.id,
      folder: run,
      folderDeleted: true,
    });
    await expect(access(run)).rejects.toThrow('ENOENT');
    expect(await runs()).toEqual([]);
    const { stdout: none } = await claq('runs', '--model', String(added.modelId), '--data', data);
    expect(none).toMatch(/^No runs of tiny in the library of .+ yet:\n/);
  });

  it('leaves the queue as it is: what waits begins with the next window', async () => {
    await withLibrary(data, async ({ client }) => {
      const { id: modelId } = await client.models.addDemo();
      for (const bits of [2, 3]) await client.runs.start({ modelId, choices: { budget: { bits } } });
    });
    const waiting = await runs();
    expect(waiting).toMatchObject([
      { id: 2, state: 'queued', ahead: 1, startedAt: null },
      { id: 1, state: 'queued', ahead: 0, startedAt: null },
    ]);
    expect(await refusal('runs', 'remove', '1', '--delete-folder')).toEqual([
      1,
      expect.objectContaining({ code: 'library/busy', found: 'queued' }),
    ]);
    const [demo] = await models();
    expect(await refusal('models', 'remove', String(demo?.id))).toEqual([
      1,
      expect.objectContaining({ code: 'library/busy' }),
    ]);
    expect((await claq('runs', '--data', data)).stdout).toMatch(
      /waiting, 1 before it .+\n.+ waiting, next .+\n\nWaiting runs begin when CLAQ Studio is open: claq serve\.\n$/,
    );
    expect(await runs()).toEqual(waiting);
    expect(await readdir(data)).toEqual(['library.sqlite']);

    expect(await answer('runs', 'cancel', '2')).toMatchObject({ id: 2, state: 'cancelled' });
    expect(await refusal('runs', 'cancel', '9')).toEqual([
      1,
      expect.objectContaining({ code: 'library/not-found', found: 'number 9' }),
    ]);
    expect(await answer('runs', 'remove', '2')).toMatchObject({ id: 2 });
    expect(await runs()).toMatchObject([{ id: 1, state: 'queued', ahead: 0 }]);

    const engine = new ControlledEngine();
    const { studio } = await openTestStudio(data, { quantize: engine.quantize });
    expect((await engine.run(0)).request.budget).toEqual({ bits: 2 });
    await studio.close();
  });
});

/** Waits until the file is there with so many bytes. */
async function sizeOf(path: string, bytes: number): Promise<void> {
  for (;;) {
    const size = await stat(path).then(
      (found) => found.size,
      () => 0,
    );
    if (size === bytes) return;
    await delay(10);
  }
}
