import { describe, expect, it } from 'vitest';
import { type Activity, activitySchema } from '../../shared/activity.ts';
import { noticesOf, quitQuestion, taskbarProgress } from '../../main/shell/at-work.ts';

function activity(change: Record<string, unknown>): Activity {
  return activitySchema.parse({
    id: 'run-1',
    kind: 'quantize',
    title: 'SmolLM2-135M, 2.12 bits',
    state: 'running',
    pace: null,
    runId: 1,
    modelId: 2,
    exporting: null,
    note: null,
    error: null,
    startedAt: '2026-03-01T10:00:00.000Z',
    ...change,
  });
}

const pace = (done: number, total: number): object => ({
  progress: { phase: 'Quantizing', done, total, unit: 'matrices' },
  rate: null,
  secondsLeft: null,
});
const DOWNLOAD = { id: 'download-1', kind: 'download', title: 'Qwen/Qwen3-0.6B', runId: null, modelId: null };

describe('taskbarProgress', () => {
  it.each([
    ['nothing', [], undefined],
    ['a run that waits', [activity({ state: 'waiting', pace: pace(1, 4) })], undefined],
    ['a run without a pace', [activity({})], 'unknown'],
    ['a run of nothing', [activity({ pace: pace(0, 0) })], 'unknown'],
    ['a run', [activity({ pace: pace(1, 4) })], 0.25],
    ['a run that stops', [activity({ state: 'stopping', pace: pace(1, 4) })], 0.25],
    ['more than there was to do', [activity({ pace: pace(5, 4) })], 1],
    ['a download', [activity({ ...DOWNLOAD, pace: pace(1, 2) })], 0.5],
    [
      'a download and a run',
      [activity({ ...DOWNLOAD, pace: pace(1, 2) }), activity({ pace: pace(1, 4) })],
      0.25,
    ],
  ])('of %s', (_case, activities, expected) => {
    expect(taskbarProgress(activities)).toBe(expected);
  });
});

describe('noticesOf', () => {
  it('tells what has come to its end', () => {
    const error = { code: 'engine/out-of-memory', message: 'The card has no memory left' };
    expect(
      noticesOf(
        [activity({ state: 'done' }), activity({ ...DOWNLOAD, state: 'failed', error })],
        [activity({}), activity(DOWNLOAD)],
      ),
    ).toEqual([
      { title: 'Quantization done', body: 'SmolLM2-135M, 2.12 bits', route: '/runs/1' },
      { title: 'Download failed', body: 'Qwen/Qwen3-0.6B: The card has no memory left', route: undefined },
    ]);
  });

  it.each([
    ['was called off', activity({ state: 'cancelled' }), activity({ state: 'stopping' })],
    ['goes on', activity({}), activity({})],
    ['was told before', activity({ state: 'done' }), activity({ state: 'done' })],
    ['was not seen at work', activity({ state: 'done' }), activity({ id: 'run-0' })],
  ])('says nothing of what %s', (_case, now, before) => {
    expect(noticesOf([now], [before])).toEqual([]);
  });

  it('leads to the model where there is no run', () => {
    const ended = { ...DOWNLOAD, modelId: 7 };
    expect(noticesOf([activity({ ...ended, state: 'done' })], [activity(ended)])).toMatchObject([
      { route: '/models/7' },
    ]);
  });
});

describe('quitQuestion', () => {
  it('is none where nothing is at work', () => {
    expect(quitQuestion([activity({ state: 'waiting' }), activity({ state: 'done' })])).toBeUndefined();
  });

  it('says what becomes of a run', () => {
    expect(quitQuestion([activity({})])).toEqual({
      message: 'Quantization in progress: SmolLM2-135M, 2.12 bits',
      detail: 'The run is paused, and can be resumed behind its last finished block.',
      quit: 'Pause and Quit',
      stay: 'Keep Running',
    });
  });

  it('says what is lost of a sensitivity', () => {
    const measuring = {
      id: 'sensitivity-1',
      kind: 'sensitivity',
      title: 'Demo model, sensitivity',
      runId: null,
    };
    expect(quitQuestion([activity(measuring)])).toEqual({
      message: 'Measuring of sensitivity in progress: Demo model, sensitivity',
      detail: 'The sensitivity has to be measured again.',
      quit: 'Stop and Quit',
      stay: 'Keep Running',
    });
  });

  it('says what becomes of several things', () => {
    expect(quitQuestion([activity(DOWNLOAD), activity({ id: 'export-1', kind: 'export' })])).toEqual({
      message: '2 things are in progress',
      detail:
        'The download goes on where it stopped when it is started again.\nThe export goes on behind its last whole file when it is started again.',
      quit: 'Stop and Quit',
      stay: 'Keep Running',
    });
  });
});
