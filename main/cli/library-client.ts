/** The library for a command: the calls of the contract, answered in this process, without a queue and without an engine. */
import { resolve } from 'node:path';
import type { ContractRouterClient } from '@orpc/contract';
import { createRouterClient, ORPCError } from '@orpc/server';
import type { contract } from '../../shared/contract.ts';
import { claqError, plainErrorSchema } from '../../shared/errors.ts';
import { defaultDataFolder } from '../service/serve/served-folders.ts';
import { openStudio } from '../service/studio/studio.ts';

export interface OpenLibrary {
  readonly client: ContractRouterClient<typeof contract>;
  /** Absolute. */
  readonly dataFolder: string;
}

/** Waiting runs stay where they are: they are for whoever stays. */
export type WithLibrary = <T>(
  /** Folder of the library; without it the user's. */
  data: string | undefined,
  work: (library: OpenLibrary) => Promise<T>,
) => Promise<T>;

/**
 * Opens the library, does the work and closes it, however the work ends. Throws what the work throws; what a call of the contract
 * refuses comes out as the ClaqError that it was.
 *
 * @throws ClaqError library/in-use, store/newer-version, store/damaged
 */
export const withLibrary: WithLibrary = async (data, work) => {
  const dataFolder = resolve(data ?? defaultDataFolder());
  const studio = await openStudio({ dataFolder, host: 'direct', performsRuns: false });
  try {
    return await work({ client: createRouterClient(studio.router), dataFolder });
  } catch (error) {
    throw ownError(error);
  } finally {
    await studio.close();
  }
};

/** The error of ours that a call carries as plain data; any other as it is. */
function ownError(error: unknown): unknown {
  if (!(error instanceof ORPCError) || error.code !== 'CLAQ') return error;
  return claqError(plainErrorSchema.parse(error.data));
}
