import { HostMemory } from '../engine/transformer/host-memory.ts';

const GIGABYTE = 1e9;

/** Bytes of GB that a request names; undefined for none named. */
export function bytesOf(gigabytes: number | undefined): number | undefined {
  return gigabytes === undefined ? undefined : gigabytes * GIGABYTE;
}

/**
 * The host memory for hidden states that a request names, in GB, and the folder for what does not fit; both have defaults of
 * the machine's.
 */
export function activationMemory(gigabytes: number | undefined, spillFolder?: string): HostMemory {
  return new HostMemory({ bytes: bytesOf(gigabytes), spillFolder });
}
