import { access, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Activity } from '../../../shared/activity.ts';
import type { RunDetail, RunId, RunState } from '../../../shared/runs.ts';
import type { Studio } from '../../../main/service/studio/studio.ts';
import { type StudioClient, openTestStudio } from './open-test-studio.ts';

let folder: string;
let studio: Studio;
let client: StudioClient;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'claq-test-')));
  ({ studio, client } = await openTestStudio(folder));
});
afterEach(async () => {
  await studio.close();
  await rm(folder, { recursive: true });
});

const CHOICES = {
  budget: { bits: 2.12 },
  calibration: { segments: 8, segmentLength: 256 },
  evaluation: { windows: 2, contextLength: 256 },
};

async function startRun(): Promise<RunId> {
  const { id: modelId } = await client.models.addDemo();
  return (await client.runs.start({ modelId, choices: CHOICES })).id;
}

/** Watches until the run is in one of the states. */
async function until(id: RunId, ...states: RunState[]): Promise<RunDetail> {
  for await (const event of await client.runs.watch({ id })) {
    if (event.kind === 'run' && states.includes(event.run.state)) return event.run;
  }
  throw new Error(`the run was never ${states.join(' or ')}`);
}

describe('a run with the real engine', () => {
  it('fills the library, can be exported, and measures the original model once', async () => {
    const id = await startRun();
    const run = await until(id, 'complete', 'failed');
    expect(run).toMatchObject({ state: 'complete', error: null, matricesDone: 42, blocks: 6 });
    expect(run.matrices.map(({ block, kind }) => `${block} ${kind}`).slice(0, 8)).toEqual([
      '0 q',
      '0 k',
      '0 v',
      '0 o',
      '0 gate',
      '0 up',
      '0 down',
      '1 q',
    ]);
    const { figures } = run;
    expect(figures?.loss).toBeCloseTo(
      run.matrices.reduce((sum, { loss }) => sum + (loss ?? NaN), 0),
      6,
    );
    expect(figures?.before?.perplexity).toBeLessThan(figures?.after?.perplexity ?? 0);
    const { activity } = await client.exports.start({ of: { runId: id }, target: { format: 'dense' } });
    for await (const list of await client.activities.watch()) {
      const state = list.find((each) => each.id === activity)?.state;
      expect(state).not.toBe('failed');
      if (state === 'done') break;
    }
    const [made] = await client.exports.list({ of: { runId: id } });
    if (made === undefined) throw new Error('the export is not in the list');
    await access(join(made.folder, 'model.safetensors'));
    expect((await client.models.list())[0]?.baseline).toEqual(figures?.before);
    await client.exports.remove({ id: made.id, deleteFolder: true });
    await expect(access(made.folder)).rejects.toThrow('ENOENT');

    const wanted = { of: { runId: id }, target: { format: 'dense', dtype: 'source' } } as const;
    const partial = join(dirname(made.folder), `.${basename(made.folder)}.partial`);
    /** Until a phase begins in which the weights file is whole. */
    const cancelLate = async (): Promise<Activity> => {
      const begun = await client.exports.start(wanted);
      for await (const list of await client.activities.watch()) {
        const found = list.find((each) => each.id === begun.activity);
        if (found?.pace?.progress.phase.startsWith('Evaluating') === true)
          await client.activities.cancel({ id: begun.activity });
        if (found?.state === 'cancelled') return found;
        expect(found?.state).not.toMatch(/done|failed/);
      }
      throw new Error('the export was never cancelled');
    };
    const first = await cancelLate();
    expect(first).toMatchObject({ exporting: { target: wanted.target, folder: null }, note: null });
    const second = await cancelLate();
    expect(second.note).toBe('Going on with an earlier export: 1 of 1 weights files are there');
    expect(second.id).toBe(first.id);
    await access(join(partial, 'model.safetensors'));
    await client.exports.discard(wanted);
    await expect(access(partial)).rejects.toThrow('ENOENT');
  });

  it('pauses and goes on behind the last finished block', async () => {
    const id = await startRun();
    for await (const event of await client.runs.watch({ id })) {
      if (event.kind === 'matrices' && event.matrices.some(({ block }) => block === 2)) break;
    }
    await client.runs.pause({ id });
    const paused = await until(id, 'paused', 'failed', 'complete');
    expect(paused.state).toBe('paused');
    await client.runs.resume({ id });
    const run = await until(id, 'complete', 'failed');
    expect(run).toMatchObject({ state: 'complete', matricesDone: 42 });
    expect(run.figures?.sessions).toBe(2);
    expect(run.notes.map(({ line }) => line)).toContainEqual(
      expect.stringMatching(/^Going on with block [34] of 6$/),
    );
  });

  it('answers others while the engine is at work', async () => {
    const id = await startRun();
    let answers = 0;
    const ended = until(id, 'complete', 'failed');
    let state: RunState = 'running';
    void ended.then((run) => (state = run.state));
    const waits: number[] = [];
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it changes when the run ends
    while (state === 'running') {
      const asked = performance.now();
      await client.runs.list({});
      waits.push(performance.now() - asked);
      answers += 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect((await ended).state).toBe('complete');
    // What blocks the engine's thread is seconds long. Half of the answers say that it is not this thread; a busy machine may
    // delay any single one.
    waits.sort((a, b) => a - b);
    expect(answers).toBeGreaterThan(20);
    expect(waits[Math.floor(waits.length / 2)]).toBeLessThan(50);
  });
});
