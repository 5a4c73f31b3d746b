import { describe, expect, it } from 'vitest';
import { percentDone, runAbilities, stateNote } from '../../../renderer/run/pace-words.ts';
import { RUN_STATES } from '../../../shared/runs.ts';
import { runDetail } from './run-card.ts';

it('is done only when all is done', () => {
  const shares: [number, number][] = [
    [0, 0],
    [0, 8],
    [1, 3],
    [245759, 245760],
    [8, 8],
  ];
  const texts = shares.map(([done, total]) => percentDone({ done, total }));
  expect(texts).toEqual(['0 %', '0 %', '33.3 %', '99.9 %', '100 %']);
});

describe('stateNote', () => {
  it('says a waiting run’s place in the queue', () => {
    const waiting = (ahead: number): string | null => stateNote(runDetail({ state: 'queued', ahead }));
    expect(waiting(0)).toBe('Next in the queue: it starts when the engine is free.');
    expect(waiting(1)).toBe('One run is before it in the queue. It starts when the engine is free.');
    expect(waiting(3)).toBe('3 runs are before it in the queue. It starts when the engine is free.');
  });

  it('says what a stopped run keeps and how it goes on', () => {
    expect(stateNote(runDetail({ state: 'paused', matricesDone: 14 }))).toBe(
      'The engine is free for other runs. 14 of 210 matrices are done, and finished blocks are kept. Resume goes on behind the last finished block.',
    );
    expect(stateNote(runDetail({ state: 'interrupted' }))).toContain('Nothing was finished yet.');
  });

  it('leaves a running and a complete run to their figures', () => {
    expect(stateNote(runDetail({ state: 'running' }))).toBeNull();
    expect(stateNote(runDetail({ state: 'complete' }))).toBeNull();
  });
});

it('offers in each state what the service takes', () => {
  const offered = RUN_STATES.map((state) => {
    const can = Object.entries(runAbilities(state)).filter(([, is]) => is);
    return [state, can.map(([name]) => name).join(' ')];
  });
  expect(Object.fromEntries(offered)).toEqual({
    queued: 'pause cancel',
    running: 'pause cancel',
    pausing: 'cancel',
    paused: 'cancel resume remove',
    cancelling: '',
    cancelled: 'resume remove',
    failed: 'resume remove',
    interrupted: 'resume remove',
    complete: 'remove',
  });
});
