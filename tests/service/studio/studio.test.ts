import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { safe } from '@orpc/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClaqError } from '../../../shared/errors.ts';
import { modelIdSchema } from '../../../shared/library.ts';
import { exportFolderName, exportTargetSchema } from '../../../shared/exports.ts';
import type { EvaluateRequest } from '../../../shared/requests.ts';
import type { RunCard, RunDetail, RunEvent, RunId, RunState } from '../../../shared/runs.ts';
import { DEMO_MODEL } from '../../../main/service/bundled-texts.ts';
import type { Studio } from '../../../main/service/studio/studio.ts';
import { ControlledEngine } from './controlled-engine.ts';
import { type StudioClient, codeOf, openTestStudio } from './open-test-studio.ts';
import { matrixResult } from './run-samples.ts';

const CHECK = {
  tensors: 21,
  maxRounding: 0,
  perplexity: { windows: 2, contextLength: 256, expected: 12.5, found: 12.5 },
};

const FIGURE = {
  perplexity: 21.5,
  meanNll: 3.07,
  protocol: 'gptq',
  windows: 16,
  contextLength: 512,
  tokens: 8176,
  text: 'evaluation.txt',
  textSha256: 'ab',
  engine: 'WebAssembly',
  forwardPrecision: 'float32',
} as const;
const evaluated: EvaluateRequest[] = [];

let folder: string;
let engine: ControlledEngine;
let studio: Studio;
let client: StudioClient;

async function open(): Promise<void> {
  engine = new ControlledEngine();
  ({ studio, client } = await openTestStudio(folder, {
    quantize: engine.quantize,
    exportQuantized: ({ source, target }) => {
      const made = exportTargetSchema.parse(target);
      const folder = join(source, exportFolderName(made));
      return Promise.resolve({ source, folder, target: made, files: 5, bytes: 99, seconds: 1, check: CHECK });
    },
    evaluate: (request) => {
      evaluated.push(request);
      return Promise.resolve({ ...FIGURE, model: request.model, seconds: 1 });
    },
  }));
}

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'claq-test-')));
  await open();
});
afterEach(async () => {
  await studio.close();
  await rm(folder, { recursive: true });
});

async function startRun(bits = 2.12): Promise<RunCard> {
  const { id: modelId } = await client.models.addDemo();
  return await client.runs.start({ modelId, choices: { budget: { bits } } });
}

/** The run, once it is in the state. */
async function inState(id: RunId, state: RunState): Promise<RunDetail> {
  for await (const event of await client.runs.watch({ id })) {
    if (event.kind === 'run' && event.run.state === state) return event.run;
  }
  throw new Error(`the run was never ${state}`);
}

describe('the library of models', () => {
  it('describes a model that is added, once', async () => {
    const card = await client.models.addDemo();
    expect(card).toMatchObject({
      name: 'Demo model',
      folder: DEMO_MODEL,
      source: { kind: 'demo' },
      dtype: 'F16',
      missing: false,
      runs: { complete: 0, open: 0 },
      baseline: null,
    });
    expect(card.parameters).toBeGreaterThan(card.quantizedWeights);
    expect(card.bytes).toBeGreaterThan(2 * card.parameters);
    expect(await client.models.addFolder({ folder: DEMO_MODEL })).toEqual(card);
    expect(await client.models.list()).toEqual([card]);
  });

  it('says what is wrong with a folder that is no model', async () => {
    expect(await codeOf(client.models.addFolder({ folder }))).toBe('model/not-a-model-folder');
    expect(await codeOf(client.models.get({ id: modelIdSchema.parse(99) }))).toBe('library/not-found');
  });

  it('tells those who watch that lists have changed', async () => {
    const gone = new AbortController();
    const changes = await client.program.changes(undefined, { signal: gone.signal });
    const next = changes.next();
    await client.models.addDemo();
    expect(await next).toMatchObject({ value: { topic: 'models' } });
    gone.abort();
  });

  it('keeps a model that a run is at, and removes it with its runs afterwards', async () => {
    const run = await startRun();
    await engine.run(0);
    expect(await codeOf(client.models.remove({ id: run.modelId }))).toBe('library/busy');
    await client.runs.cancel({ id: run.id });
    await inState(run.id, 'cancelled');
    await client.models.remove({ id: run.modelId });
    expect([await client.models.list(), await client.runs.list({})]).toEqual([[], []]);
  });
});

describe('a run', () => {
  it('goes through the engine into the library', async () => {
    const run = await startRun();
    expect(run).toMatchObject({
      budget: '2.12 (AP 2.05 of {2,4} + OR 0.07)',
      matricesTotal: 42,
      modelName: 'Demo model',
    });
    expect(run.folder).toBe(join(folder, 'runs', 'Demo-model-2.12-1'));
    const { hooks, request, finish } = await engine.run(0);
    expect(request).toMatchObject({ model: DEMO_MODEL, out: run.folder, budget: { bits: 2.12 } });
    const events: RunEvent[] = [];
    const watching = (async () => {
      for await (const event of await client.runs.watch({ id: run.id })) {
        events.push(event);
        if (event.kind === 'run' && event.run.state === 'complete') return event.run;
      }
      return undefined;
    })();
    hooks.onEngine?.({ name: 'wasm', description: 'WebAssembly SIMD, 1 thread' });
    hooks.onNote?.('Engine: WebAssembly');
    hooks.onMatrix?.(matrixResult(0, 'q'));
    hooks.onProgress?.({ phase: 'Quantizing', done: 5, total: 10, unit: 'tokens' });
    expect(await client.runs.get({ id: run.id })).toMatchObject({
      state: 'running',
      engine: 'WebAssembly SIMD, 1 thread',
      matricesDone: 1,
      matrices: [matrixResult(0, 'q')],
      notes: [{ line: 'Engine: WebAssembly' }],
    });
    // Once a watcher has heard of it: at the end only the whole run is sent.
    while (!events.some(({ kind }) => kind === 'pace'))
      await new Promise((resolve) => setTimeout(resolve, 5));
    finish();
    const complete = await watching;
    expect(complete).toMatchObject({
      figures: {
        nominalBits: 2.12,
        storedBits: 2.4,
        loss: 12.5,
        before: null,
        seconds: 7,
        timing: { forward: 3 },
      },
      error: null,
    });
    expect(complete?.endedAt).not.toBeNull();
    expect(await client.models.list()).toMatchObject([{ runs: { complete: 1, open: 0 } }]);
  });

  it('tells why it failed, and goes on from there when it is told to', async () => {
    const { id } = await startRun();
    (await engine.run(0)).fail(new ClaqError('output/disk-full', 'The disk is full', { where: '/x' }));
    expect(await inState(id, 'failed')).toMatchObject({
      error: { code: 'output/disk-full', where: '/x' },
      notes: [{ line: 'The disk is full;   where: /x' }],
    });
    await client.runs.resume({ id });
    const again = await engine.run(1);
    expect(again.request.out).toBe((await engine.run(0)).request.out);
    again.finish();
    expect((await inState(id, 'complete')).error).toBeNull();
    expect(await codeOf(client.runs.resume({ id }))).toBe('run/wrong-state');
  });

  it('pauses, resumes and is cancelled', async () => {
    const { id } = await startRun();
    await engine.run(0);
    await client.runs.pause({ id });
    expect((await inState(id, 'paused')).endedAt).not.toBeNull();
    await client.runs.resume({ id });
    await engine.run(1);
    await client.runs.cancel({ id });
    await inState(id, 'cancelled');
    expect(await codeOf(client.runs.pause({ id }))).toBe('run/wrong-state');
  });

  it('refuses a budget that cannot be, at once', async () => {
    const { id: modelId } = await client.models.addDemo();
    const choices = { budget: { apAverage: 3, apWidths: [4, 5] as [number, number] } };
    const { error } = await safe(client.runs.start({ modelId, choices }));
    expect(error).toMatchObject({ code: 'BAD_REQUEST' });
    expect(await client.runs.list({})).toEqual([]);
  });

  it('is removed with its folder only where that is a run', async () => {
    const { id, folder: ofRun } = await startRun();
    (await engine.run(0)).finish();
    await inState(id, 'complete');
    await mkdir(ofRun, { recursive: true });
    await writeFile(join(ofRun, 'thesis.txt'), 'not ours');
    await client.runs.remove({ id, deleteFolder: true });
    expect(await readdir(ofRun)).toEqual(['thesis.txt']);
    const next = await startRun();
    (await engine.run(1)).finish();
    await inState(next.id, 'complete');
    await mkdir(next.folder, { recursive: true });
    await writeFile(join(next.folder, 'run.json'), '{}');
    await client.runs.remove({ id: next.id, deleteFolder: true });
    expect(await readdir(join(folder, 'runs'))).toEqual(['Demo-model-2.12-1']);
  });

  it('makes the export that was asked for once it is complete', async () => {
    const { id: modelId } = await client.models.addDemo();
    const { id } = await client.runs.start({ modelId, choices: { exportDtype: 'f16' } });
    const { request, finish } = await engine.run(0);
    expect(request.exportDtype).toBeUndefined();
    finish();
    for await (const event of await client.runs.watch({ id })) {
      if (event.kind === 'run' && event.run.exports.length > 0) break;
    }
    expect(await client.exports.list({ of: { runId: id } })).toMatchObject([
      { target: { format: 'dense', dtype: 'f16' }, files: 5, bytes: 99, check: CHECK },
    ]);
  });
});

describe('the queue', () => {
  it('takes one run at a time, in order, which can be changed', async () => {
    const [first, second, third] = [await startRun(2), await startRun(3), await startRun(4)];
    expect([first.ahead, second.ahead, third.ahead]).toEqual([null, 0, 1]);
    await client.runs.move({ id: third.id, places: -1 });
    (await engine.run(0)).finish();
    expect((await engine.run(1)).request.budget).toEqual({ bits: 4 });
    await client.runs.cancel({ id: second.id });
    expect((await client.runs.get({ id: second.id })).state).toBe('cancelled');
    (await engine.run(1)).finish();
    await inState(third.id, 'complete');
    expect(engine.runs).toHaveLength(2);
  });

  it('goes on with the next run where one fails', async () => {
    await startRun(2);
    const next = await startRun(3);
    (await engine.run(0)).fail(new TypeError('x is not a function'));
    (await engine.run(1)).finish();
    await inState(next.id, 'complete');
    expect((await client.runs.list({})).map(({ state }) => state)).toEqual(['complete', 'failed']);
  });

  it('pauses what it is at when the program ends, and takes up what waited when it is opened again', async () => {
    const running = await startRun(2);
    const waiting = await startRun(3);
    await engine.run(0);
    await studio.close();
    await open();
    expect((await engine.run(0)).request.budget).toEqual({ bits: 3 });
    expect((await client.runs.get({ id: running.id })).state).toBe('paused');
    expect((await client.runs.get({ id: waiting.id })).state).toBe('running');
  });

  it('is watched and called off by way of activities', async () => {
    await startRun(2);
    const waiting = await startRun(3);
    await engine.run(0);
    const gone = new AbortController();
    for await (const list of await client.activities.watch(undefined, { signal: gone.signal })) {
      expect(list.map(({ id, state, title }) => [id, state, title])).toEqual([
        ['run-1', 'running', 'Demo model, 2'],
        ['run-2', 'waiting', 'Demo model, 3'],
      ]);
      const [, second] = list;
      if (second !== undefined) await client.activities.cancel({ id: second.id });
      break;
    }
    gone.abort();
    expect((await client.runs.get({ id: waiting.id })).state).toBe('cancelled');
  });
});

describe('the settings', () => {
  it('are the defaults at first, and are kept', async () => {
    expect(await client.settings.get()).toMatchObject({
      theme: 'system',
      engine: 'auto',
      threads: null,
      runsFolder: join(folder, 'runs'),
    });
    const runsFolder = join(folder, 'elsewhere');
    await client.settings.change({ runsFolder, threads: 3, engine: 'wasm' });
    await studio.close();
    await open();
    expect(await client.settings.get()).toMatchObject({ runsFolder, threads: 3, engine: 'wasm' });
    const run = await startRun();
    expect(run.folder).toBe(join(runsFolder, 'Demo-model-2.12-1'));
    expect((await engine.run(0)).request).toMatchObject({ threads: 3, engine: 'wasm' });
  });

  it('hold for what a run leaves open, and give way to what it says', async () => {
    await client.settings.change({ engine: 'wasm', forwardPrecision: 'bfloat16', threads: 3 });
    const { id: modelId } = await client.models.addDemo();
    const open = await client.runs.start({ modelId, choices: {} });
    const explicit = { engine: 'auto', forwardPrecision: 'float32', threads: 1 } as const;
    const said = await client.runs.start({ modelId, choices: explicit });
    const { request, finish } = await engine.run(0);
    expect(request).toMatchObject({ engine: 'wasm', forwardPrecision: 'bfloat16', threads: 3 });
    finish();
    expect((await engine.run(1)).request).toMatchObject(explicit);
    // What is kept is what it runs with, also where the settings are others when it is gone on with.
    expect((await client.runs.get({ id: open.id })).choices).toMatchObject({ engine: 'wasm', threads: 3 });
    expect((await client.runs.get({ id: said.id })).choices).toMatchObject(explicit);
  });

  it('refuse a folder that cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(await codeOf(client.settings.change({ runsFolder: join(folder, 'file', 'runs') }))).toBe(
      'settings/invalid',
    );
    expect(await codeOf(client.settings.change({ modelsFolder: 'relative' }))).toBe('settings/invalid');
  });
});

describe('the studio', () => {
  it('has one library at a time', async () => {
    await expect(openTestStudio(folder)).rejects.toMatchObject({ code: 'library/in-use' });
  });

  it('lists folders, models among them, without what is hidden', async () => {
    await writeFile(join(folder, 'text.txt'), 'abc');
    await writeFile(join(folder, '.hidden'), '');
    const listing = await client.files.list({ folder });
    expect(listing.entries.map(({ name, kind, bytes }) => [name, kind, bytes])).toContainEqual([
      'text.txt',
      'file',
      3,
    ]);
    expect(listing.entries.some(({ name }) => name.startsWith('.'))).toBe(false);
    const models = await client.files.list({ folder: join(DEMO_MODEL, '..') });
    expect(models.entries.filter(({ isModel }) => isModel).map(({ path }) => path)).toEqual([DEMO_MODEL]);
    expect(await codeOf(client.files.list({ folder: join(folder, 'nowhere') }))).toBe('request/invalid');
  });
});

describe('the perplexity of a model', () => {
  it('is measured by the engine of the settings, once the engine is free, and stands on its card', async () => {
    evaluated.length = 0;
    const { id, folder: path } = await client.models.addDemo();
    const { id: runId } = await client.runs.start({ modelId: id, choices: { budget: { bits: 2.12 } } });
    const { finish } = await engine.run(0);
    const { activity } = await client.models.evaluate({ id });
    expect(await client.models.evaluate({ id })).toEqual({ activity });
    expect(evaluated).toEqual([]);
    finish();
    for await (const activities of await client.activities.watch()) {
      if (activities.find((each) => each.id === activity)?.state === 'done') break;
    }
    expect(evaluated).toEqual([{ model: path, windows: 16, engine: 'auto', forwardPrecision: 'float32' }]);
    expect((await client.models.get({ id })).baseline).toEqual(FIGURE);
    expect((await client.runs.get({ id: runId })).state).toBe('complete');
  });

  it('is of models of the library alone', async () => {
    expect(await codeOf(client.models.evaluate({ id: modelIdSchema.parse(99) }))).toBe('library/not-found');
  });
});

describe('an export of a model', () => {
  it('is for packed ones', async () => {
    const { id } = await client.models.addDemo();
    const asked = client.exports.start({ of: { modelId: id }, target: { format: 'gguf' } });
    expect(await codeOf(asked)).toBe('request/invalid');
    expect(await client.exports.list({ of: { modelId: id } })).toEqual([]);
  });
});
