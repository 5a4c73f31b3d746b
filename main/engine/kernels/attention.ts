import { ARENA_BYTES } from './arena.ts';
import type { KernelPool } from './kernel-pool.ts';
import { PANEL, STRIP, roundUp } from './layout.ts';

export interface AttentionShape {
  readonly tokens: number;
  readonly heads: number;
  /** A divisor of `heads`: query heads g * groups .. (g + 1) * groups - 1 share key-value head g. */
  readonly kvHeads: number;
  readonly headDim: number;
}

/** One segment's attention, before rotation and scaling, as arrays or as tensors. */
export interface AttentionInputs<Values = Float32Array> extends AttentionShape {
  /** Keys that a query sees: itself and those before it, so many in all. */
  readonly window: number;
  /** [tokens, heads * headDim] row-major. */
  readonly queries: Values;
  /** [tokens, kvHeads * headDim] row-major. */
  readonly keys: Values;
  readonly values: Values;
  /** Of each token's rotation, [tokens, headDim / 2]. */
  readonly cos: Values;
  readonly sin: Values;
}

/** Strips of queries that a thread handles at a time. The same number stands in assembly/attention.ts. */
const STRIPS_PER_TILE = 4;

const FLOAT_BITS = new DataView(new ArrayBuffer(4));

function bitsOf(value: number): number {
  FLOAT_BITS.setFloat32(0, value);
  return FLOAT_BITS.getUint32(0);
}

/** Bytes of the kernels' memory that a segment's attention may take: half of it, so that the rest of a run fits beside it. */
const MOST_BYTES = ARENA_BYTES / 2;

/** Whether a segment's queries, keys, values and mixture fit into the kernels' memory. By sizes alone, not by what is free. */
export function attentionFits({ tokens, heads, kvHeads, headDim }: AttentionShape): boolean {
  const values = 2 * heads + 4 * kvHeads + 1;
  return 4 * roundUp(tokens, PANEL) * roundUp(headDim, PANEL) * values <= MOST_BYTES;
}

/**
 * Causal softmax(q k^T / sqrt(headDim)) v of rotated queries and keys, [tokens, heads * headDim], on the kernel threads; blocks
 * the calling thread until it is done. Never holds more scores than those of 32 queries a thread.
 */
export function attendOnKernels(pool: KernelPool, inputs: AttentionInputs): Float32Array {
  const { tokens, heads, kvHeads, headDim, window } = inputs;
  const { arena } = pool;
  const mark = arena.mark();
  try {
    const [paddedTokens, paddedDim] = [roundUp(tokens, PANEL), roundUp(headDim, PANEL)];
    // Of each strip: sums, queries, scores, mixture (assembly/attention.ts).
    pool.allocateScratchBytes(STRIPS_PER_TILE * (1 + headDim + paddedTokens + paddedDim) * STRIP * 4);
    const mixed = arena.allocate(tokens * heads * headDim * 4);
    const args = arena.words([
      arena.copyFloats(inputs.queries),
      arena.copyFloats(inputs.keys),
      arena.copyFloats(inputs.values),
      arena.copyFloats(inputs.cos),
      arena.copyFloats(inputs.sin),
      arena.allocate(kvHeads * paddedTokens * headDim * 4),
      arena.allocate(kvHeads * paddedTokens * paddedDim * 4),
      mixed,
      tokens,
      heads,
      kvHeads,
      headDim,
      Math.min(window, tokens),
      bitsOf(1 / Math.sqrt(headDim)),
    ]);
    pool.runTiles('packKeys', args, paddedTokens / PANEL);
    pool.runTiles('attendStrips', args, heads * Math.ceil(tokens / (STRIP * STRIPS_PER_TILE)));
    return arena.floats(mixed, tokens * heads * headDim).slice();
  } finally {
    arena.release(mark);
  }
}
