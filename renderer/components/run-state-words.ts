import type { RunState } from '../../shared/runs.ts';

interface StateWord {
  readonly word: string;
  readonly tone: 'plain' | 'accent' | 'good' | 'warn' | 'bad';
}

export const RUN_STATE_WORDS: Readonly<Record<RunState, StateWord>> = {
  queued: { word: 'Waiting', tone: 'plain' },
  running: { word: 'Running', tone: 'accent' },
  pausing: { word: 'Pausing', tone: 'accent' },
  paused: { word: 'Paused', tone: 'warn' },
  cancelling: { word: 'Cancelling', tone: 'accent' },
  cancelled: { word: 'Cancelled', tone: 'plain' },
  failed: { word: 'Failed', tone: 'bad' },
  interrupted: { word: 'Interrupted', tone: 'warn' },
  complete: { word: 'Complete', tone: 'good' },
};
