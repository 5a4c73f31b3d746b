import { describe, expect, it } from 'vitest';
import { type RunDetail, type RunEvent, type RunId, runIdSchema } from '../../../shared/runs.ts';
import { RunWatch } from '../../../main/service/studio/run-watch.ts';
import { matrixResult, pace, runDetail } from './run-samples.ts';

const ID: RunId = runIdSchema.parse(1);

/** A run that can be changed, or be gone, and what watches it. */
function watched(): { store: { run: RunDetail | undefined }; watch: RunWatch } {
  const store: { run: RunDetail | undefined } = { run: runDetail(ID) };
  return { store, watch: new RunWatch(() => store.run) };
}

async function next(events: AsyncGenerator<RunEvent, undefined>): Promise<RunEvent | undefined> {
  const { value } = await events.next();
  return value;
}

const load = (at: number): { at: number; memoryBytes: number; processor: number; gpu: null } => ({
  at,
  memoryBytes: 1,
  processor: 0.5,
  gpu: null,
});

describe('RunWatch', () => {
  it('begins with the whole run, then tells what is new', async () => {
    const { watch } = watched();
    const events = watch.watch(ID, undefined);
    expect(await next(events)).toMatchObject({ kind: 'run', run: { id: 1, state: 'running' } });
    watch.tell(ID, { kind: 'matrix', matrix: matrixResult(0, 'q') });
    watch.tell(ID, { kind: 'matrix', matrix: matrixResult(0, 'k') });
    watch.tell(ID, { kind: 'note', note: { at: 'now', line: 'a line' } });
    watch.tell(ID, { kind: 'pace', pace: pace(1) });
    watch.tell(ID, { kind: 'pace', pace: pace(2) });
    expect(await next(events)).toEqual({
      kind: 'matrices',
      matrices: [matrixResult(0, 'q'), matrixResult(0, 'k')],
    });
    expect(await next(events)).toEqual({ kind: 'note', note: { at: 'now', line: 'a line' } });
    // The first one is out of date.
    expect(await next(events)).toEqual({ kind: 'pace', pace: pace(2) });
  });

  it('sends the whole run again when its state changes, in which what came before is contained', async () => {
    const { store, watch } = watched();
    const events = watch.watch(ID, undefined);
    await next(events);
    watch.tell(ID, { kind: 'matrix', matrix: matrixResult(0, 'q') });
    store.run = { ...runDetail(ID), state: 'complete', matrices: [matrixResult(0, 'q')] };
    watch.tell(ID, { kind: 'changed' });
    expect(await next(events)).toEqual({ kind: 'run', run: store.run });
    watch.tell(ID, { kind: 'pace', pace: pace(3) });
    expect(await next(events)).toEqual({ kind: 'pace', pace: pace(3) });
  });

  it('shows who comes later what the run is doing, as long as it does', async () => {
    const { watch } = watched();
    watch.start(ID);
    for (let at = 0; at < 700; at++) watch.tell(ID, { kind: 'load', load: load(at) });
    watch.tell(ID, { kind: 'pace', pace: pace(5) });
    const events = watch.watch(ID, undefined);
    expect(await next(events)).toMatchObject({ kind: 'run' });
    const loads: unknown[] = [];
    for (let i = 0; i < 600; i++) loads.push(await next(events));
    expect(loads[0]).toEqual({ kind: 'load', load: load(100) });
    expect(loads.at(-1)).toEqual({ kind: 'load', load: load(699) });
    expect(await next(events)).toEqual({ kind: 'pace', pace: pace(5) });
    watch.stop(ID);
    const after = watch.watch(ID, undefined);
    expect(await next(after)).toMatchObject({ kind: 'run' });
    const later = next(after);
    watch.tell(ID, { kind: 'note', note: { at: 'now', line: 'next' } });
    expect(await later).toMatchObject({ kind: 'note' });
  });

  it('ends when the run is deleted, when there is none, and when the watcher goes', async () => {
    const { store, watch } = watched();
    const events = watch.watch(ID, undefined);
    await next(events);
    watch.tell(ID, { kind: 'deleted' });
    expect(await next(events)).toEqual({ kind: 'deleted' });
    expect((await events.next()).done).toBe(true);
    store.run = undefined;
    expect(await next(watch.watch(ID, undefined))).toEqual({ kind: 'deleted' });
    store.run = runDetail(ID);
    const gone = new AbortController();
    const leaving = watch.watch(ID, gone.signal);
    await next(leaving);
    const last = leaving.next();
    gone.abort();
    expect(await last).toEqual({ done: true, value: undefined });
  });
});
