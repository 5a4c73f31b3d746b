/** How far a run is, in words; what is said of all activities stands in app/activity-words.ts. */
import type { Progress } from '../../shared/progress.ts';
import { ACTIVE_STATES, RESUMABLE_STATES, type RunDetail, type RunState } from '../../shared/runs.ts';

/** `42.1 %`; 100 only when all is done. */
export function percentDone({ done, total }: Pick<Progress, 'done' | 'total'>): string {
  if (total <= 0 || done <= 0) return '0 %';
  if (done >= total) return '100 %';
  const percent = Math.floor((1000 * done) / total) / 10;
  return `${percent.toFixed(1)} %`;
}

/** What a state means for the run, and what one can do; null where the progress says it all. */
export function stateNote({
  state,
  ahead,
  matricesDone,
  matricesTotal,
}: Pick<RunDetail, 'state' | 'ahead' | 'matricesDone' | 'matricesTotal'>): string | null {
  const kept =
    matricesDone === 0
      ? 'Nothing was finished yet'
      : `${matricesDone} of ${matricesTotal} matrices are done, and finished blocks are kept`;
  switch (state) {
    case 'queued':
      return waitingWords(ahead);
    case 'pausing':
      return 'It stops behind the step that it is at. What a block has finished is kept.';
    case 'cancelling':
      return 'It stops behind the step that it is at.';
    case 'paused':
      return `The engine is free for other runs. ${kept}. Resume goes on behind the last finished block.`;
    case 'interrupted':
      return `The program ended while this run was at work. ${kept}. Resume goes on behind the last finished block.`;
    case 'cancelled':
      return `${kept}. Resume goes on behind the last finished block; deleting it gives the disk back.`;
    case 'failed':
      return `${kept}. Once the cause is mended, resume goes on behind the last finished block.`;
    case 'running':
    case 'complete':
      return null;
  }
}

function waitingWords(ahead: number | null): string {
  if (ahead === null || ahead === 0) return 'Next in the queue: it starts when the engine is free.';
  const runs = ahead === 1 ? 'One run is' : `${ahead} runs are`;
  return `${runs} before it in the queue. It starts when the engine is free.`;
}

/** What can be done with a run in this state. */
export interface RunAbilities {
  readonly pause: boolean;
  readonly cancel: boolean;
  readonly resume: boolean;
  readonly remove: boolean;
}

export function runAbilities(state: RunState): RunAbilities {
  return {
    pause: state === 'running' || state === 'queued',
    cancel: state === 'running' || state === 'queued' || state === 'pausing' || state === 'paused',
    resume: RESUMABLE_STATES.has(state),
    remove: !ACTIVE_STATES.has(state),
  };
}
