import { HostMemory } from '../engine/transformer/host-memory.ts';

const GIGABYTE = 1e9;

/**
 * The host memory for hidden states that a request names, in GB, and the folder for what does not fit; both have defaults of
 * the machine's.
 */
export function activationMemory(gigabytes: number | undefined, spillFolder?: string): HostMemory {
  return new HostMemory({ bytes: gigabytes === undefined ? undefined : gigabytes * GIGABYTE, spillFolder });
}
