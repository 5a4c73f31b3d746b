/** Runs that the command made, taken into a library. */
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ORPCError, safe } from '@orpc/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inEngineThread } from '../../../main/service/engine-thread/run-in-thread.ts';
import { lockFolder } from '../../../main/engine/checkpoint/folder-lock.ts';
import type { Studio } from '../../../main/service/studio/studio.ts';
import { type PlainError, plainErrorSchema } from '../../../shared/errors.ts';
import type { QuantizeRequest, RunHooks } from '../../../shared/requests.ts';
import { type RunRecord, runRecordSchema } from '../../../shared/run-record.ts';
import type { RunDetail, RunId, RunState } from '../../../shared/runs.ts';
import { QUICK_TEXTS, writeTinyModel } from '../tiny-model.ts';
import { type StudioClient, openTestStudio } from './open-test-studio.ts';

const BLOCKS = 2;

let folder: string;
let model: string;
let run: string;
let studio: Studio;
let client: StudioClient;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'claq-test-')));
  model = await writeTinyModel(join(folder, 'tiny-model'), { blocks: BLOCKS });
  run = join(folder, 'run');
  ({ studio, client } = await openTestStudio(join(folder, 'library')));
});
afterEach(async () => {
  await studio.close();
  await rm(folder, { recursive: true });
});

/** As `claq quantize` does it. */
async function quantize(request: Partial<QuantizeRequest> = {}, hooks: RunHooks = {}): Promise<void> {
  const asked = { model, out: run, budget: { bits: 2.12 }, engine: 'wasm', ...QUICK_TEXTS } as const;
  await inEngineThread('quantize', { ...asked, ...request }, hooks);
}

/** Stops a run in its second block. */
async function stoppedRun(): Promise<void> {
  const controller = new AbortController();
  const onMatrix: RunHooks['onMatrix'] = ({ block }) => {
    if (block === 1) controller.abort();
  };
  await expect(quantize({}, { signal: controller.signal, onMatrix })).rejects.toMatchObject({
    code: 'run/cancelled',
  });
}

async function recordOf(path: string): Promise<RunRecord> {
  return runRecordSchema.parse(JSON.parse(await readFile(join(path, 'run.json'), 'utf8')));
}

async function errorOf(call: Promise<unknown>): Promise<PlainError> {
  const { error } = await safe(call);
  if (!(error instanceof ORPCError) || error.code !== 'CLAQ')
    throw new Error(`no error of ours: ${String(error)}`);
  return plainErrorSchema.parse(error.data);
}

async function until(id: RunId, ...states: RunState[]): Promise<RunDetail> {
  for await (const event of await client.runs.watch({ id })) {
    if (event.kind === 'run' && states.includes(event.run.state)) return event.run;
  }
  throw new Error(`the run was never ${states.join(' or ')}`);
}

describe('a complete run', () => {
  it('comes into the library with its model, figures, matrices and export, once', async () => {
    await quantize({ exportDtype: 'f16' });
    const record = await recordOf(run);
    const card = await client.runs.addFolder({ folder: run });
    expect(card).toMatchObject({
      modelName: 'tiny-model',
      folder: run,
      state: 'complete',
      budget: '2.12 (AP 2.05 of {2,4} + OR 0.07)',
      startedAt: record.startedAt,
      matricesDone: 14,
      matricesTotal: 14,
      figures: record.result,
      error: null,
    });
    const { matrices, exports, choices, engine, notes } = await client.runs.get({ id: card.id });
    expect(matrices.map(({ loss }) => loss)).toEqual(record.matrices.map(({ loss }) => loss));
    expect(exports).toMatchObject([
      {
        target: { format: 'dense', dtype: 'f16' },
        folder: join(run, 'dense-f16'),
        files: 7,
        createdAt: record.exports[0]?.madeAt,
      },
    ]);
    expect(choices).toMatchObject({ budget: { bits: 2.12 }, engine: 'wasm', ...QUICK_TEXTS });
    expect(engine).toBe('WebAssembly SIMD, 1 thread');
    expect(notes.map(({ line }) => line)).toEqual([`Added from its folder: made by ${record.program}`]);
    expect(await client.models.list()).toMatchObject([
      { folder: model, runs: { complete: 1, open: 0 }, baseline: record.result?.before },
    ]);
    expect(await client.runs.addFolder({ folder: join(run, '..', 'run') })).toEqual(card);
    expect(await client.runs.list({})).toEqual([card]);
    // Nothing was left in the folder, and what was exported can be taken away again.
    await expect(readFile(join(run, 'run.lock'))).rejects.toThrow('ENOENT');
    const [made] = exports;
    if (made !== undefined) await client.exports.remove({ id: made.id, deleteFolder: true });
    await expect(readFile(join(run, 'dense-f16', 'config.json'))).rejects.toThrow('ENOENT');
  });

  it('can be exported from there, and another made like it', async () => {
    await quantize();
    const card = await client.runs.addFolder({ folder: run });
    await client.exports.start({ of: { runId: card.id }, target: { format: 'dense' } });
    for await (const [activity] of await client.activities.watch()) {
      expect(activity?.state).not.toBe('failed');
      if (activity?.state === 'done') break;
    }
    expect(await client.exports.list({ of: { runId: card.id } })).toMatchObject([
      { folder: join(run, 'dense') },
    ]);
    const { choices } = await client.runs.get({ id: card.id });
    const again = await client.runs.start({ modelId: card.modelId, choices });
    const made = await until(again.id, 'complete', 'failed');
    expect(made.figures?.loss).toBe(card.figures?.loss);
  });
});

describe('an unfinished run', () => {
  it('comes in as interrupted, and is gone on with behind its last block', async () => {
    await stoppedRun();
    const card = await client.runs.addFolder({ folder: run });
    expect(card).toMatchObject({ state: 'interrupted', figures: null, matricesTotal: 14 });
    expect(card.matricesDone).toBeGreaterThanOrEqual(7);
    await client.runs.resume({ id: card.id });
    const ended = await until(card.id, 'complete', 'failed');
    expect(ended).toMatchObject({ state: 'complete', error: null, folder: run, matricesDone: 14 });
    expect(ended.figures?.sessions).toBe(2);
    expect(ended.notes.map(({ line }) => line)).toContain('Going on with block 2 of 2');
  });

  it('is refused while something writes it', async () => {
    await stoppedRun();
    const lock = await lockFolder(run);
    expect(await errorOf(client.runs.addFolder({ folder: run }))).toMatchObject({
      code: 'output/in-use',
      message: 'The run is being written now',
      where: join(run, 'run.lock'),
    });
    await lock.release();
    expect(await client.runs.list({})).toEqual([]);
    expect((await client.runs.addFolder({ folder: run })).state).toBe('interrupted');
  });
});

describe('what is no run of the library', () => {
  it('says that a folder is no run', async () => {
    for (const path of [model, join(folder, 'nowhere'), join(model, 'config.json')]) {
      expect(await errorOf(client.runs.addFolder({ folder: path }))).toMatchObject({
        code: 'request/invalid',
        message: 'This folder is not a run',
        where: path,
      });
    }
  });

  it('says that the model is gone, or another one', async () => {
    await quantize();
    await cp(model, `${model}-moved`, { recursive: true });
    await rm(model, { recursive: true });
    expect(await errorOf(client.runs.addFolder({ folder: run }))).toMatchObject({
      code: 'model/not-a-model-folder',
      message: 'The model of this run is not where it was',
      where: model,
    });
    await writeTinyModel(model, { blocks: 1 });
    expect(await errorOf(client.runs.addFolder({ folder: run }))).toMatchObject({ code: 'model/changed' });
    expect(await client.runs.list({})).toEqual([]);
  });

  it('believes no record that contradicts itself, nor one that is none', async () => {
    await quantize();
    const record = await recordOf(run);
    const written = async (text: string): Promise<string> => {
      await writeFile(join(run, 'run.json'), text);
      return (await errorOf(client.runs.addFolder({ folder: run }))).code;
    };
    expect(await written('{')).toBe('result/malformed');
    expect(await written(JSON.stringify({ ...record, version: 99 }))).toBe('result/malformed');
    expect(await written(JSON.stringify({ ...record, matrices: record.matrices.slice(1) }))).toBe(
      'result/malformed',
    );
    expect(await written(JSON.stringify({ ...record, result: null }))).toBe('result/malformed');
    expect(await client.runs.list({})).toEqual([]);
    // An export that is not there is not taken for one of the run's.
    const made = {
      target: { format: 'gguf', dtype: 'f16' },
      files: 5,
      bytes: 1,
      seconds: 1,
      check: {
        tensors: 1,
        maxRounding: 0,
        perplexity: { windows: 1, contextLength: 2, expected: 1, found: 1 },
      },
      madeAt: '',
    };
    await writeFile(join(run, 'run.json'), JSON.stringify({ ...record, exports: [made] }));
    const { id } = await client.runs.addFolder({ folder: run });
    expect((await client.runs.get({ id })).exports).toEqual([]);
  });
});
