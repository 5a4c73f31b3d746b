/** The table of all runs: which of them are shown, and what its columns sort by. */
import type { SortValue } from '../components/table-rows.ts';
import type { RunCard, RunState } from '../../shared/runs.ts';

/** States that a filter takes together: what a user looks for is rarely one state. */
export const STATE_GROUPS = ['all', 'active', 'stopped', 'complete'] as const;
export type StateGroup = (typeof STATE_GROUPS)[number];

const GROUP_OF: Readonly<Record<RunState, Exclude<StateGroup, 'all'>>> = {
  queued: 'active',
  running: 'active',
  pausing: 'active',
  cancelling: 'active',
  paused: 'stopped',
  cancelled: 'stopped',
  failed: 'stopped',
  interrupted: 'stopped',
  complete: 'complete',
};

export interface RunFilter {
  /** Words that all have to be in the run's model, budget, method or state. */
  readonly text: string;
  readonly group: StateGroup;
}

/** The runs that the filter lets through, as they were. */
export function filteredRuns(runs: readonly RunCard[], { text, group }: RunFilter): RunCard[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter((run) => {
    if (group !== 'all' && GROUP_OF[run.state] !== group) return false;
    const said = `${run.modelName} ${run.budget} ${run.method} ${run.state}`.toLowerCase();
    return words.every((word) => said.includes(word));
  });
}

/** How many runs each group has. */
export function groupCounts(runs: readonly RunCard[]): Readonly<Record<StateGroup, number>> {
  const counts = { all: runs.length, active: 0, stopped: 0, complete: 0 };
  for (const { state } of runs) counts[GROUP_OF[state]]++;
  return counts;
}

/** What is at work stands before what waits, and what has ended behind both. */
const STATE_RANK: Readonly<Record<RunState, number>> = {
  running: 0,
  pausing: 1,
  cancelling: 2,
  queued: 3,
  paused: 4,
  interrupted: 5,
  failed: 6,
  cancelled: 7,
  complete: 8,
};

/** What each column sorts by; null where a run does not have it yet. */
export const RUN_SORTS = {
  state: ({ state }) => STATE_RANK[state],
  model: ({ modelName }) => modelName,
  budget: ({ budget }) => budgetBits(budget),
  method: ({ method }) => method,
  perplexity: ({ figures }) => figures?.after?.perplexity ?? null,
  bits: ({ figures }) => figures?.storedBits ?? null,
  size: ({ figures }) => figures?.packedBytes ?? null,
  time: ({ figures }) => figures?.seconds ?? null,
  date: lastChanged,
} as const satisfies Readonly<Record<string, (run: RunCard) => SortValue>>;

/** The bits that a budget's label begins with: 2.12 of `2.12 (AP 2.05 of {2,4} + OR 0.07)`, 2.1 of `AP 2.1 of {2,4}`. */
export function budgetBits(label: string): number | null {
  const figure = /\d+(?:\.\d+)?/.exec(label)?.[0];
  return figure === undefined ? null : Number(figure);
}

/** A budget where nothing says what it is: `3 bits`, and labels that tell their parts as they are. */
export function budgetWords(label: string): string {
  return label === String(budgetBits(label)) ? `${label} bits` : label;
}

/** When a run ended, else when it began, else when it was asked for. */
export function lastChanged({ endedAt, startedAt, queuedAt }: RunCard): string {
  return endedAt ?? startedAt ?? queuedAt;
}

/** Runs that the queue holds, in the order of their turns: what is at work first. */
export function queuedRuns(runs: readonly RunCard[]): RunCard[] {
  const place = ({ state, ahead }: RunCard): number => (state === 'queued' ? (ahead ?? 0) + 1 : 0);
  return runs.filter(({ state }) => GROUP_OF[state] === 'active').sort((a, b) => place(a) - place(b));
}
