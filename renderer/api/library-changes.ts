/** Keeps the stores true: the service says what is out of date. Used once, by the frame. */
import type { Change } from '../../shared/contract.ts';
import { useModels } from './models-store.ts';
import { useRuns } from './runs-store.ts';
import { service } from './service.ts';
import { useSettings } from './settings-store.ts';
import { useWatch } from './use-watch.ts';

/** Milliseconds between two fetches of a list: a run that goes fast changes its entry many times a second. */
const INTERVAL = 250;

export function useLibraryChanges(): void {
  const models = useModels();
  const runs = useRuns();
  const settings = useSettings();
  // Whoever shows budgets or statistics follows them by themselves.
  const refresh: Readonly<Partial<Record<Change['topic'], () => void>>> = {
    models: atMostEvery(INTERVAL, () => void models.refresh()),
    runs: atMostEvery(INTERVAL, () => void runs.refresh()),
    settings: atMostEvery(INTERVAL, () => void settings.refresh()),
  };
  useWatch(
    (signal) => service.program.changes(undefined, { signal }),
    (changes) => {
      for (const topic of new Set(changes.map((change) => change.topic))) refresh[topic]?.();
    },
  );
}

/** Calls at once, then at most once an interval; the last call is never dropped. */
function atMostEvery(interval: number, act: () => void): () => void {
  let isResting = false;
  let isAsked = false;
  const go = (): void => {
    if (isResting) {
      isAsked = true;
      return;
    }
    isResting = true;
    isAsked = false;
    act();
    setTimeout(() => {
      isResting = false;
      if (isAsked) go();
    }, interval);
  };
  return go;
}
