/** What can be done with a run, the same on every screen. */
import { CirclePause, CirclePlay, CircleStop, RotateCcw, Trash2 } from '@lucide/vue';
import type { Router } from 'vue-router';
import type { RunCard, RunId } from '../../shared/runs.ts';
import { service } from '../api/service.ts';
import { shownError } from '../api/shown-error.ts';
import type { MenuItem } from '../components/menu-item.ts';
import { say } from '../components/status-messages.ts';
import { FOLDER_ACTION, openFolder } from './folders.ts';
import { runAbilities } from './pace-words.ts';

const CALLS = {
  pause: (id: RunId) => service.runs.pause({ id }),
  resume: (id: RunId) => service.runs.resume({ id }),
  cancel: (id: RunId) => service.runs.cancel({ id }),
} as const;

/** Does it, and says what went wrong. */
export async function act(what: keyof typeof CALLS, { id }: Pick<RunCard, 'id'>): Promise<void> {
  try {
    await CALLS[what](id);
  } catch (thrown) {
    say(shownError(thrown).message, 'bad');
  }
}

export function runAgain(router: Router, { id, modelId }: Pick<RunCard, 'id' | 'modelId'>): void {
  void router.push({ name: 'new-run', params: { id: String(modelId) }, query: { from: String(id) } });
}

/** @param remove asks whether to delete the run */
export function runMenu(run: RunCard, router: Router, remove: () => void): MenuItem[] {
  const can = runAbilities(run.state);
  const item = (shown: boolean, entry: MenuItem): MenuItem[] => (shown ? [entry] : []);
  return [
    ...item(can.pause, { label: 'Pause', icon: CirclePause, act: () => void act('pause', run) }),
    ...item(can.resume, { label: 'Resume', icon: CirclePlay, act: () => void act('resume', run) }),
    ...item(can.cancel, { label: 'Cancel', icon: CircleStop, act: () => void act('cancel', run) }),
    { label: 'Change and run again', icon: RotateCcw, act: () => runAgain(router, run) },
    { ...FOLDER_ACTION, act: () => void openFolder(run.folder) },
    ...item(can.remove, { label: 'Remove…', icon: Trash2, danger: true, separated: true, act: remove }),
  ];
}
