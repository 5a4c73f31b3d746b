import { isOutOfMemory } from '../tensors/tensor-errors.ts';
import type { DeviceRoom } from './device-room.ts';

/** Queries of attention that are handled at a time where memory suffices: their scores exist, those of a whole segment never do. */
const QUERY_CHUNK = 256;
/** Below these the weights and what belongs to a whole segment fill the memory, and smaller batches free next to nothing. */
const FEWEST_QUERIES = 16;
const FEWEST_TOKENS = 64;

/** Tokens [from, to) of a segment. */
export interface TokenRange {
  readonly from: number;
  readonly to: number;
}

/** How much of a segment the backend works on at a time. Shrinks where its memory runs out, and stays small then. */
export class BatchSizes {
  #queries: number;
  #tokens: number;
  readonly #onShrink: ((sizes: BatchSizes) => void) | undefined;
  readonly #room: DeviceRoom | undefined;

  /**
   * @param longest tokens of the longest segment, which is worked on whole until memory runs out
   * @param room of activations on the device; they leave it before anything shrinks
   */
  constructor(longest: number, onShrink?: (sizes: BatchSizes) => void, room?: DeviceRoom) {
    this.#queries = Math.min(QUERY_CHUNK, longest);
    this.#tokens = longest;
    this.#onShrink = onShrink;
    this.#room = room;
  }

  /** Queries of attention at a time. */
  get queries(): number {
    return this.#queries;
  }

  /** Tokens at a time where each goes its own way: feed-forward network, Hessian, head. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Frees the device's memory of what stays there, or halves both; false where there is nothing left to do. Throws as the room's clear. */
  shrink(): boolean {
    if (this.#room?.clear() === true) return true;
    if (this.#queries <= FEWEST_QUERIES && this.#tokens <= FEWEST_TOKENS) return false;
    this.#queries = halved(this.#queries, FEWEST_QUERIES);
    this.#tokens = halved(this.#tokens, FEWEST_TOKENS);
    this.#onShrink?.(this);
    return true;
  }
}

function halved(size: number, fewest: number): number {
  return size <= fewest ? size : Math.max(fewest, Math.ceil(size / 2));
}

/**
 * Does work, and does it again in smaller batches where the backend's memory runs out. Work is to change nothing before it
 * is done, or to go on where it was. Throws the backend's error when batches cannot be smaller.
 */
export async function withSmallerBatches<T>(sizes: BatchSizes, work: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isOutOfMemory(error) || !sizes.shrink()) throw error;
    }
  }
}

/** What to tell of sizes that have shrunk. */
export function shrinkNote({ tokens, queries }: BatchSizes): string {
  return `Device memory is short: going on with ${tokens} tokens and ${queries} queries at a time`;
}

/** A segment of `length` tokens in batches of at most `size`. */
export function tokenRanges(length: number, size: number): TokenRange[] {
  const ranges: TokenRange[] = [];
  for (let from = 0; from < length; from += size) ranges.push({ from, to: Math.min(from + size, length) });
  return ranges;
}
