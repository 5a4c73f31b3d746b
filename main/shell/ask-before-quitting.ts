import { dialog, type BrowserWindow } from 'electron';
import type { Activity } from '../../shared/activity.ts';
import { quitQuestion } from './at-work.ts';

/** Whether the program may quit: asks where something is at work. */
export async function askBeforeQuitting(
  window: BrowserWindow | undefined,
  activities: readonly Activity[],
): Promise<boolean> {
  const question = quitQuestion(activities);
  if (question === undefined) return true;
  const options = {
    type: 'question' as const,
    message: question.message,
    detail: question.detail,
    buttons: [question.stay, question.quit],
    // Enter and Escape leave it running.
    defaultId: 0,
    cancelId: 0,
    noLink: true,
  };
  const { response } = await (window === undefined
    ? dialog.showMessageBox(options)
    : dialog.showMessageBox(window, options));
  return response === 1;
}
