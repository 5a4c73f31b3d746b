import { describe, expect, it } from 'vitest';
import { MAX_NOTES, MAX_SAMPLES, applyEvents } from '../../../renderer/run/watched-run.ts';
import type { LoadSample, Pace, RunEvent } from '../../../shared/runs.ts';
import { matrixResult } from '../charts/matrix-result.ts';
import { runDetail } from './run-card.ts';

const NOW = 1_700_000_000_000;
const began = applyEvents(undefined, [{ kind: 'run', run: runDetail({ state: 'running' }) }], NOW);

function pace(done: number, rate: number | null = 100): RunEvent {
  const value: Pace = {
    progress: { phase: 'Quantizing', done, total: 1000, unit: 'tokens' },
    rate,
    secondsLeft: null,
  };
  return { kind: 'pace', pace: value };
}

function load(at: number): RunEvent {
  const sample: LoadSample = { at, memoryBytes: 1e9, processor: 0.5, gpu: null };
  return { kind: 'load', load: sample };
}

describe('applyEvents', () => {
  it('knows nothing before it has the run', () => {
    expect(applyEvents(undefined, [pace(1), load(1)], NOW)).toBeUndefined();
  });

  it('adds matrices in the order of computation, and to their blocks', () => {
    const q = matrixResult();
    const k = matrixResult({ kind: 'k' });
    const down = matrixResult({ kind: 'down' });
    const watched = applyEvents(
      began,
      [
        { kind: 'matrices', matrices: [q, k] },
        { kind: 'matrices', matrices: [down] },
      ],
      NOW,
    );
    expect(watched?.sequence).toEqual([q, k, down]);
    expect([...(watched?.matrices.get(0)?.keys() ?? [])]).toEqual(['q', 'k', 'down']);
    expect(began?.sequence).toEqual([]);
  });

  it('replaces a matrix that is quantized again, in its place', () => {
    const first = applyEvents(
      began,
      [{ kind: 'matrices', matrices: [matrixResult(), matrixResult({ kind: 'k' })] }],
      NOW,
    );
    const again = matrixResult({ loss: 7 });
    const watched = applyEvents(first, [{ kind: 'matrices', matrices: [again] }], NOW);
    expect(watched?.sequence.map(({ kind, loss }) => [kind, loss])).toEqual([
      ['q', 7],
      ['k', 50],
    ]);
    expect(watched?.matrices.get(0)?.get('q')).toBe(again);
  });

  it('takes the matrices of a whole run instead of those that came before it', () => {
    const watched = applyEvents(
      began,
      [
        { kind: 'matrices', matrices: [matrixResult({ kind: 'o' })] },
        { kind: 'run', run: runDetail({ state: 'complete', matrices: [matrixResult()] }) },
      ],
      NOW,
    );
    expect(watched?.sequence.map(({ kind }) => kind)).toEqual(['q']);
    expect(watched?.run.state).toBe('complete');
  });

  it('forgets the pace of a run that does not run any more, and keeps what was measured', () => {
    const running = applyEvents(began, [pace(10), load(NOW)], NOW);
    expect(running?.pace?.progress.done).toBe(10);
    const paused = applyEvents(running, [{ kind: 'run', run: runDetail({ state: 'paused' }) }], NOW);
    expect(paused?.pace).toBeNull();
    expect(paused?.load).toHaveLength(1);
    expect(paused?.rates).toHaveLength(1);
  });

  it('keeps a rate a second, of however many come', () => {
    let watched = began;
    for (let frame = 0; frame < 180; frame++) {
      watched = applyEvents(watched, [pace(frame, frame)], NOW + (frame * 1000) / 60);
    }
    expect(watched?.rates.map(({ rate }) => rate)).toEqual([0, 60, 120]);
    expect(watched?.pace?.rate).toBe(179);
    expect(applyEvents(began, [pace(1, null)], NOW)?.rates).toEqual([]);
  });

  it('leaves out samples that it has already', () => {
    const watched = applyEvents(began, [load(1), load(2), load(1), load(2), load(3)], NOW);
    expect(watched?.load.map(({ at }) => at)).toEqual([1, 2, 3]);
  });

  it('thins what lies far back, and never grows beyond its bounds', () => {
    const events = Array.from({ length: 3 * MAX_SAMPLES }, (_, index) => load(index));
    const watched = applyEvents(began, events, NOW);
    const times = watched?.load.map(({ at }) => at) ?? [];
    expect(times.length).toBeLessThanOrEqual(MAX_SAMPLES);
    expect(times.length).toBeGreaterThan(MAX_SAMPLES / 2);
    expect(times[0]).toBe(0);
    expect(times.at(-1)).toBe(3 * MAX_SAMPLES - 1);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('keeps the latest notes', () => {
    const events = Array.from({ length: MAX_NOTES + 5 }, (_, index): RunEvent => {
      return { kind: 'note', note: { at: '2026-11-22T10:00:00.000Z', line: `line ${index}` } };
    });
    const watched = applyEvents(began, events, NOW);
    expect(watched?.notes).toHaveLength(MAX_NOTES);
    expect(watched?.notes.at(-1)?.line).toBe(`line ${MAX_NOTES + 4}`);
  });

  it('says that the run was deleted', () => {
    expect(applyEvents(began, [{ kind: 'deleted' }], NOW)?.deleted).toBe(true);
  });
});
