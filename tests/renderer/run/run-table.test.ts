import { describe, expect, it } from 'vitest';
import { sortedRows } from '../../../renderer/components/table-rows.ts';
import {
  RUN_SORTS,
  budgetBits,
  budgetWords,
  filteredRuns,
  groupCounts,
  queuedRuns,
} from '../../../renderer/run/run-table.ts';
import { RUN_STATES, runIdSchema } from '../../../shared/runs.ts';
import { runCard } from './run-card.ts';

const runs = RUN_STATES.map((state, index) =>
  runCard({ id: runIdSchema.parse(index + 1), state, modelName: index % 2 === 0 ? 'SmolLM2' : 'Qwen3-0.6B' }),
);

describe('filteredRuns', () => {
  it('takes states together as one looks for them', () => {
    const states = (group: 'active' | 'stopped' | 'complete'): string[] =>
      filteredRuns(runs, { text: '', group }).map(({ state }) => state);
    expect(states('active')).toEqual(['queued', 'running', 'pausing', 'cancelling']);
    expect(states('stopped')).toEqual(['paused', 'cancelled', 'failed', 'interrupted']);
    expect(states('complete')).toEqual(['complete']);
    expect(groupCounts(runs)).toEqual({ all: 9, active: 4, stopped: 4, complete: 1 });
  });

  it('finds runs that have all the words, in any place and case', () => {
    const found = filteredRuns(runs, { text: ' qwen  AP ', group: 'all' });
    expect(found.map(({ modelName }) => modelName)).toEqual(Array<string>(4).fill('Qwen3-0.6B'));
    expect(filteredRuns(runs, { text: 'qwen llama', group: 'all' })).toEqual([]);
  });
});

describe('RUN_SORTS', () => {
  it('sorts budgets by their bits', () => {
    const labels = ['4', 'AP 2.1 of {2,4}', '2.12 (AP 2.05 of {2,4} + OR 0.07)', '12.5'];
    const cards = labels.map((budget) => runCard({ budget }));
    expect(sortedRows(cards, RUN_SORTS.budget, 'ascending').map(({ budget }) => budget)).toEqual([
      'AP 2.1 of {2,4}',
      '2.12 (AP 2.05 of {2,4} + OR 0.07)',
      '4',
      '12.5',
    ]);
    expect(budgetBits('none')).toBeNull();
  });

  it('says of a budget that is a number alone what it counts', () => {
    expect(['3', '2.12 (AP 2.05 of {2,4} + OR 0.07)', 'none'].map(budgetWords)).toEqual([
      '3 bits',
      '2.12 (AP 2.05 of {2,4} + OR 0.07)',
      'none',
    ]);
  });

  it('sorts by the latest that happened to a run', () => {
    expect(RUN_SORTS.date(runCard())).toBe('2026-11-22T10:00:00.000Z');
    const begun = runCard({ startedAt: '2026-11-22T11:00:00.000Z' });
    expect(RUN_SORTS.date(begun)).toBe('2026-11-22T11:00:00.000Z');
    expect(RUN_SORTS.date({ ...begun, endedAt: '2026-11-22T12:00:00.000Z' })).toBe(
      '2026-11-22T12:00:00.000Z',
    );
  });

  it('does not know the figures of a run that is not complete', () => {
    const { perplexity, bits, size, time } = RUN_SORTS;
    expect([perplexity, bits, size, time].map((of) => of(runCard()))).toEqual([null, null, null, null]);
  });
});

it('puts what is at work before what waits, in the order of turns', () => {
  const waiting = (id: number, ahead: number) => runCard({ id: runIdSchema.parse(id), ahead });
  const running = runCard({ id: runIdSchema.parse(7), state: 'running', ahead: null });
  const complete = runCard({ id: runIdSchema.parse(8), state: 'complete', ahead: null });
  const queue = queuedRuns([complete, waiting(3, 1), waiting(2, 2), running, waiting(4, 0)]);
  expect(queue.map(({ id }) => id)).toEqual([7, 4, 3, 2]);
});
