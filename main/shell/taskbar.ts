/** Progress on the taskbar or the dock. */
import type { BrowserWindow } from 'electron';
import type { Activity } from '../../shared/activity.ts';
import { taskbarProgress, type TaskbarProgress } from './at-work.ts';

/** Electron's values for a bar without a share, and for no bar. */
const INDETERMINATE = 2;
const NONE = -1;

export class Taskbar {
  #shown: TaskbarProgress;

  /** Activities come many times a second, and the bar is some 40 pixels wide: it is set when a percent has changed. */
  follow(window: BrowserWindow | undefined, activities: readonly Activity[]): void {
    const exact = taskbarProgress(activities);
    const progress = typeof exact === 'number' ? Math.floor(exact * 100) / 100 : exact;
    if (progress === this.#shown || window === undefined) return;
    this.#shown = progress;
    window.setProgressBar(progress === undefined ? NONE : progress === 'unknown' ? INDETERMINATE : progress);
  }
}
