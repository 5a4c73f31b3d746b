import { ORPCError, createRouterClient, safe } from '@orpc/server';
import type { ContractRouterClient } from '@orpc/contract';
import { type Studio, openStudio, type StudioOptions } from '../../../main/service/studio/studio.ts';
import type { Activity, ActivityId } from '../../../shared/activity.ts';
import type { contract } from '../../../shared/contract.ts';
import { plainErrorSchema } from '../../../shared/errors.ts';

export type StudioClient = ContractRouterClient<typeof contract>;

/** A studio, and who calls it in the same process. */
export async function openTestStudio(
  dataFolder: string,
  tasks: StudioOptions['tasks'] = {},
): Promise<{ studio: Studio; client: StudioClient }> {
  const studio = await openStudio({ dataFolder, host: 'direct', tasks });
  return { studio, client: createRouterClient(studio.router) };
}

/** Code of the error of ours that a call ends with. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  const { error } = await safe(call);
  if (!(error instanceof ORPCError) || error.code !== 'CLAQ')
    throw new Error(`no error of ours: ${String(error)}`);
  return plainErrorSchema.parse(error.data).code;
}

/** The activity, once it is in the state. */
export async function activityIn(
  client: StudioClient,
  activity: ActivityId | null,
  state: Activity['state'],
): Promise<Activity> {
  for await (const list of await client.activities.watch()) {
    const found = list.find((each) => each.id === activity);
    if (found?.state === state) return found;
  }
  throw new Error(`the activity was never ${state}`);
}
