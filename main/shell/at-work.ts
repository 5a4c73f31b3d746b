/** What the shell makes of the service's activities. */
import type { Activity } from '../../shared/activity.ts';

/** Something is being computed, written or fetched for it right now. */
export function isAtWork({ state }: Activity): boolean {
  return state === 'running' || state === 'stopping';
}

/** Of the taskbar: a share of 0..1, `unknown` before there is one, undefined where nothing goes on. */
export type TaskbarProgress = number | 'unknown' | undefined;

/** What the taskbar shows: the run at work, else whatever else goes on. */
export function taskbarProgress(activities: readonly Activity[]): TaskbarProgress {
  const atWork = activities.filter(isAtWork);
  const shown = atWork.find(({ kind }) => kind === 'quantize') ?? atWork[0];
  if (shown === undefined) return undefined;
  const progress = shown.pace?.progress;
  if (progress === undefined || progress.total <= 0) return 'unknown';
  return Math.min(1, Math.max(0, progress.done / progress.total));
}

export interface Notice {
  readonly title: string;
  readonly body: string;
  /** Page that a click leads to; undefined where there is none in particular. */
  readonly route: string | undefined;
}

const WORDS: Record<Activity['kind'], string> = {
  quantize: 'Quantization',
  export: 'Export',
  download: 'Download',
  setup: 'Set-up',
  evaluate: 'Evaluation',
  measure: 'Measuring of columns',
  analyse: 'Analysis',
  sensitivity: 'Measuring of sensitivity',
};

/** What to tell somebody who looks elsewhere: what was at work before, and has come to an end that they did not ask for. */
export function noticesOf(now: readonly Activity[], before: readonly Activity[]): Notice[] {
  const wereAtWork = new Set(before.filter(isAtWork).map(({ id }) => id));
  return now.flatMap((activity) => {
    const { id, kind, state, title, runId, modelId, error } = activity;
    if (!wereAtWork.has(id) || (state !== 'done' && state !== 'failed')) return [];
    const route = runId === null ? (modelId === null ? undefined : `/models/${modelId}`) : `/runs/${runId}`;
    return state === 'done'
      ? [{ title: `${WORDS[kind]} done`, body: title, route }]
      : [
          {
            title: `${WORDS[kind]} failed`,
            body: error === null ? title : `${title}: ${error.message}`,
            route,
          },
        ];
  });
}

export interface QuitQuestion {
  readonly message: string;
  readonly detail: string;
  readonly quit: string;
  readonly stay: string;
}

/** What is asked before the program ends; undefined where it may end at once. */
export function quitQuestion(activities: readonly Activity[]): QuitQuestion | undefined {
  const atWork = activities.filter(isAtWork);
  const [first] = atWork;
  if (first === undefined) return undefined;
  const kinds = new Set(atWork.map(({ kind }) => kind));
  const consequences = [
    kinds.has('quantize')
      ? 'The run is paused, and can be resumed behind its last finished block.'
      : undefined,
    kinds.has('download') ? 'The download goes on where it stopped when it is started again.' : undefined,
    kinds.has('export')
      ? 'The export goes on behind its last whole file when it is started again.'
      : undefined,
    kinds.has('evaluate') ? 'The perplexity has to be measured again.' : undefined,
    kinds.has('sensitivity') ? 'The sensitivity has to be measured again.' : undefined,
    kinds.has('setup') ? 'The set-up has to be started again.' : undefined,
    kinds.has('measure') || kinds.has('analyse')
      ? 'What is measured of the columns is kept, and the rest measured when it is asked for again.'
      : undefined,
  ];
  return {
    message:
      atWork.length === 1
        ? `${WORDS[first.kind]} in progress: ${first.title}`
        : `${atWork.length} things are in progress`,
    detail: consequences.filter((line) => line !== undefined).join('\n'),
    quit: kinds.has('quantize') ? 'Pause and Quit' : 'Stop and Quit',
    stay: 'Keep Running',
  };
}
