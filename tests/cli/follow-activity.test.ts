import { createRouterClient, implement } from '@orpc/server';
import { beforeEach, describe, expect, it } from 'vitest';
import { followActivity } from '../../main/cli/follow-activity.ts';
import { Activities, type ActivityHandle } from '../../main/service/studio/activities.ts';
import { contract } from '../../shared/contract.ts';
import { ClaqError } from '../../shared/errors.ts';
import type { Progress } from '../../shared/progress.ts';

function bytes(done: number): Progress {
  return { phase: 'Downloading', done, total: 100, unit: 'bytes' };
}

const os = implement(contract.activities);

function clientOf(activities: Activities) {
  return createRouterClient({
    activities: os.router({
      watch: os.watch.handler(({ signal }) => activities.watch(signal)),
      cancel: os.cancel.handler(({ input }) => activities.cancel(input.id)),
      dismiss: os.dismiss.handler(({ input }) => activities.dismiss(input.id)),
    }),
  });
}

describe('followActivity', () => {
  let client: ReturnType<typeof clientOf>;
  let handle: ActivityHandle;
  let cancelled: number;
  let progress: Progress[];
  let stop: AbortController;

  beforeEach(() => {
    const activities = new Activities();
    client = clientOf(activities);
    cancelled = 0;
    progress = [];
    stop = new AbortController();
    const begin = (title: string): ActivityHandle =>
      activities.begin({
        kind: 'download',
        title,
        runId: null,
        modelId: null,
        cancel: () => {
          cancelled++;
          handle.end(new ClaqError('run/cancelled', 'Called off'));
        },
      });
    begin('another').end(new ClaqError('hub/not-found', 'Not this one'));
    handle = begin('owner/name');
  });

  function follow() {
    return followActivity(client, handle.id, {
      signal: stop.signal,
      onProgress: (each) => {
        progress.push(each);
        // What comes next has not been taken together with it.
        if (each.done === 40) handle.progress(bytes(70));
        if (each.done === 70) handle.end();
      },
    });
  }

  it('shows progress to the end, which is whole', async () => {
    const following = follow();
    handle.progress(bytes(40));
    expect(await following).toMatchObject({ title: 'owner/name', state: 'done' });
    expect(progress.map(({ done }) => done)).toEqual([40, 70, 100]);
  });

  it('shows none where there was none', async () => {
    const following = follow();
    handle.end();
    await following;
    expect(progress).toEqual([]);
  });

  it('throws what it failed with', async () => {
    const following = follow();
    handle.end(new ClaqError('hub/unreachable', 'The hub does not answer', { where: 'hub' }));
    await expect(following).rejects.toMatchObject({ code: 'hub/unreachable', where: 'hub' });
  });

  it('calls it off with the signal, also with one that came before', async () => {
    const following = follow();
    stop.abort();
    await expect(following).rejects.toMatchObject({ name: 'ClaqError', code: 'run/cancelled' });
    await expect(follow()).rejects.toMatchObject({ code: 'run/cancelled' });
    // The second time it had ended.
    expect(cancelled).toBe(1);
  });
});
