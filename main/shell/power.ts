/** Keeps the machine from going to sleep while something goes on; the screen may. */
import { powerSaveBlocker } from 'electron';
import type { Activity } from '../../shared/activity.ts';
import { isAtWork } from './at-work.ts';

export class Wakefulness {
  #blocker: number | undefined;

  follow(activities: readonly Activity[]): void {
    const wanted = activities.some(isAtWork);
    if (wanted === (this.#blocker !== undefined)) return;
    if (this.#blocker === undefined) this.#blocker = powerSaveBlocker.start('prevent-app-suspension');
    else {
      powerSaveBlocker.stop(this.#blocker);
      this.#blocker = undefined;
    }
  }
}
