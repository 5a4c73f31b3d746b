import type { Activity, ActivityId } from '../../shared/activity.ts';
import { ClaqError, claqError } from '../../shared/errors.ts';
import type { Progress } from '../../shared/progress.ts';
import type { OpenLibrary } from './library-client.ts';
import type { CommandHooks } from './run-command.ts';

/**
 * Shows how an activity goes until it has ended, and gives it as it then is. Ctrl-C calls it off; it is waited for.
 *
 * @throws ClaqError the one that it failed with; run/cancelled
 */
export async function followActivity(
  client: Pick<OpenLibrary['client'], 'activities'>,
  id: ActivityId,
  { onProgress, signal }: Pick<CommandHooks, 'onProgress' | 'signal'>,
): Promise<Activity> {
  const cancel = (): void => void client.activities.cancel({ id });
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  let latest: Progress | undefined;
  try {
    for await (const activities of await client.activities.watch()) {
      const activity = activities.find((each) => each.id === id);
      if (activity === undefined) continue;
      latest = activity.pace?.progress ?? latest;
      switch (activity.state) {
        case 'done':
          // News are taken together: the last step may have come with the end, which has no progress.
          if (latest !== undefined) onProgress({ ...latest, done: latest.total });
          return activity;
        case 'failed':
          throw activity.error === null ? lost(id) : claqError(activity.error);
        case 'cancelled':
          throw new ClaqError('run/cancelled', 'It was called off');
        case 'waiting':
        case 'running':
        case 'stopping':
          if (latest !== undefined) onProgress(latest);
      }
    }
    throw lost(id);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/** Not in any state that the contract allows. */
function lost(id: ActivityId): Error {
  return new Error(`nothing more was heard of ${id}`);
}
