import { createRouterClient } from '@orpc/server';
import type { ContractRouterClient } from '@orpc/contract';
import type { contract } from '../../../shared/contract.ts';
import { type Studio, openStudio, type StudioOptions } from '../../../main/service/studio/studio.ts';

export type StudioClient = ContractRouterClient<typeof contract>;

/** A studio, and who calls it in the same process. */
export async function openTestStudio(
  dataFolder: string,
  tasks: StudioOptions['tasks'] = {},
): Promise<{ studio: Studio; client: StudioClient }> {
  const studio = await openStudio({ dataFolder, host: 'direct', tasks });
  return { studio, client: createRouterClient(studio.router) };
}
