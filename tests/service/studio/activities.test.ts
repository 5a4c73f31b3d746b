import { describe, expect, it } from 'vitest';
import { ClaqError } from '../../../shared/errors.ts';
import { modelIdSchema } from '../../../shared/library.ts';
import { Activities, type NewActivity } from '../../../main/service/studio/activities.ts';

function download(changes: Partial<NewActivity> = {}): NewActivity {
  const modelId = modelIdSchema.parse(3);
  return { kind: 'download', title: 'owner/name', runId: null, modelId, cancel: () => undefined, ...changes };
}

describe('Activities', () => {
  it('shows progress with its rate, and how it ended', () => {
    const activities = new Activities();
    const { progress, end } = activities.begin(download());
    expect(activities.list()).toMatchObject([
      { id: 'download-1', state: 'running', pace: null, error: null },
    ]);
    progress({ phase: 'Downloading', done: 0, total: 100, unit: 'bytes' });
    const pace = progress({ phase: 'Downloading', done: 50, total: 100, unit: 'bytes' });
    expect(pace?.progress.done).toBe(50);
    expect(pace?.secondsLeft).toBeCloseTo(50 / (pace?.rate ?? NaN), 9);
    end();
    expect(activities.list()).toMatchObject([{ state: 'done', pace: null }]);
  });

  it('tells an error of ours as it is, any other as a fault, a cancellation as none', () => {
    const activities = new Activities();
    activities.begin(download()).end(new ClaqError('hub/not-found', 'No such repository', { where: 'a/b' }));
    activities.begin(download()).end(new TypeError('x is not a function'));
    activities.begin(download()).end(new ClaqError('run/cancelled', 'Called off'));
    expect(
      activities.list().map(({ state, error }) => [state, error?.code, error?.where ?? error?.found]),
    ).toEqual([
      ['failed', 'hub/not-found', 'a/b'],
      ['failed', 'program/fault', 'x is not a function'],
      ['cancelled', undefined, undefined],
    ]);
  });

  it('names the model that a download became', async () => {
    const activities = new Activities();
    const made = modelIdSchema.parse(7);
    const id = activities.perform(download({ modelId: null }), (_hooks, handle) => {
      handle.becomes(made);
      return Promise.resolve();
    });
    expect(activities.list()).toMatchObject([{ id, state: 'running', modelId: 7 }]);
    await Promise.resolve();
    expect(activities.list()).toMatchObject([{ id, state: 'done', modelId: 7 }]);
  });

  it('calls off what still goes on, once, and dismisses only what has ended', () => {
    const activities = new Activities();
    let called = 0;
    const { id, end } = activities.begin(download({ cancel: () => called++ }));
    activities.dismiss(id);
    activities.cancel(id);
    expect(activities.list()).toMatchObject([{ state: 'stopping' }]);
    end(new ClaqError('run/cancelled', 'Called off'));
    activities.cancel(id);
    expect(called).toBe(1);
    activities.dismiss(id);
    expect(activities.list()).toEqual([]);
  });

  it('keeps the last twenty that have ended, and all that go on', () => {
    const activities = new Activities();
    const { id } = activities.begin(download());
    for (let i = 0; i < 30; i++) activities.begin(download()).end();
    const ids = activities.list().map((activity) => activity.id);
    expect(ids).toHaveLength(21);
    expect([ids[0], ids[1], ids.at(-1)]).toEqual([id, 'download-12', 'download-31']);
  });

  it('begins again under its own name, at the end', () => {
    const activities = new Activities();
    activities.begin(download({ id: 'run-7', kind: 'quantize' })).end();
    activities.begin(download());
    activities.begin(download({ id: 'run-7', kind: 'quantize', state: 'waiting' }));
    expect(activities.list().map(({ id, state }) => [id, state])).toEqual([
      ['download-1', 'running'],
      ['run-7', 'waiting'],
    ]);
  });

  it('sends the whole list to who watches, at first and at each change', async () => {
    const activities = new Activities();
    const watching = activities.watch(undefined);
    expect((await watching.next()).value).toEqual([]);
    const { end } = activities.begin(download());
    expect((await watching.next()).value).toMatchObject([{ state: 'running' }]);
    end();
    expect((await watching.next()).value).toMatchObject([{ state: 'done' }]);
    await activities.close();
    expect((await watching.next()).done).toBe(true);
  });
});
