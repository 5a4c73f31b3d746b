import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AttentionInputs, attendOnKernels } from '../../../main/engine/kernels/attention.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { Random } from '../../oracle/random.ts';

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

interface Shape {
  readonly tokens: number;
  readonly kvHeads: number;
  readonly groups: number;
  readonly headDim: number;
  readonly window: number;
  /** Standard deviation of queries and keys: how uneven the shares are. */
  readonly spread: number;
}

function inputsOf(
  { tokens, kvHeads, groups, headDim, window, spread }: Shape,
  seed: number,
): AttentionInputs {
  const random = new Random(seed);
  const normal = (count: number, scale: number): Float32Array =>
    random.floats(count, () => scale * random.normal());
  const angles = random.floats((tokens * headDim) / 2, () => 3 * random.normal());
  const heads = kvHeads * groups;
  return {
    tokens,
    heads,
    kvHeads,
    headDim,
    window,
    queries: normal(tokens * heads * headDim, spread),
    keys: normal(tokens * kvHeads * headDim, spread),
    values: normal(tokens * kvHeads * headDim, 1),
    cos: angles.map(Math.cos),
    sin: angles.map(Math.sin),
  };
}

/** The definition, one query at a time in float64. */
function byDefinition(inputs: AttentionInputs): Float64Array {
  const { tokens, heads, kvHeads, headDim, window, queries, keys, values, cos, sin } = inputs;
  const half = headDim / 2;
  const rotated = (x: Float32Array, width: number, head: number, token: number): number[] =>
    Array.from({ length: headDim }, (_, i) => {
      const pair = i % half;
      const [first = NaN, second = NaN] = [pair, pair + half].map(
        (at) => x[(token * width + head) * headDim + at],
      );
      const [c = NaN, s = NaN] = [cos[token * half + pair], sin[token * half + pair]];
      return i < half ? first * c - second * s : second * c + first * s;
    });
  const mixed = new Float64Array(tokens * heads * headDim);
  for (let head = 0; head < heads; head++) {
    const kvHead = Math.floor(head / (heads / kvHeads));
    const all = Array.from({ length: tokens }, (_, token) => rotated(keys, kvHeads, kvHead, token));
    for (let token = 0; token < tokens; token++) {
      const query = rotated(queries, heads, head, token);
      const first = Math.max(0, token - window + 1);
      const scores = all
        .slice(first, token + 1)
        .map((key) => key.reduce((sum, k, i) => sum + k * (query[i] ?? NaN), 0) / Math.sqrt(headDim));
      const most = Math.max(...scores);
      const shares = scores.map((score) => Math.exp(score - most));
      const total = shares.reduce((sum, share) => sum + share, 0);
      for (const [at, share] of shares.entries()) {
        for (let i = 0; i < headDim; i++) {
          const to = (token * heads + head) * headDim + i;
          const value = values[((first + at) * kvHeads + kvHead) * headDim + i] ?? NaN;
          mixed[to] = (mixed[to] ?? 0) + (share / total) * value;
        }
      }
    }
  }
  return mixed;
}

function largestError(inputs: AttentionInputs): number {
  const found = attendOnKernels(pool, inputs);
  const expected = byDefinition(inputs);
  expect(found.length).toBe(expected.length);
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? NaN))), 0);
}

describe('attendOnKernels', () => {
  it.each<[string, Shape]>([
    ['one token', { tokens: 1, kvHeads: 1, groups: 1, headDim: 2, window: 1, spread: 1 }],
    ['whole tiles', { tokens: 96, kvHeads: 2, groups: 1, headDim: 64, window: 96, spread: 1 }],
    [
      'shared keys, nothing that divides',
      { tokens: 131, kvHeads: 2, groups: 3, headDim: 20, window: 131, spread: 1 },
    ],
    ['a window', { tokens: 100, kvHeads: 1, groups: 2, headDim: 8, window: 17, spread: 1 }],
    ['each token sees itself alone', { tokens: 45, kvHeads: 1, groups: 1, headDim: 6, window: 1, spread: 1 }],
    [
      'shares that are all but one 0',
      { tokens: 70, kvHeads: 1, groups: 1, headDim: 16, window: 70, spread: 40 },
    ],
  ])('%s: the definition', (_, shape) => {
    // Scores of large spread are themselves rounded at 1e-7 of their size, some thousands.
    expect(largestError(inputsOf(shape, 7))).toBeLessThan(shape.spread > 1 ? 5e-3 : 3e-6);
  });

  it('any shape: the definition', () => {
    fc.assert(
      fc.property(
        fc.record({
          tokens: fc.integer({ min: 1, max: 80 }),
          kvHeads: fc.integer({ min: 1, max: 3 }),
          groups: fc.integer({ min: 1, max: 3 }),
          headDim: fc.integer({ min: 1, max: 10 }).map((half) => 2 * half),
          window: fc.integer({ min: 1, max: 90 }),
          spread: fc.constantFrom(0, 0.3, 1.5),
        }),
        fc.nat(),
        (shape, seed) => {
          expect(largestError(inputsOf(shape, seed))).toBeLessThan(1e-5);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('gives the same bytes on any number of threads, and leaves the memory as it was', async () => {
    const inputs = inputsOf({ tokens: 200, kvHeads: 2, groups: 2, headDim: 32, window: 200, spread: 1 }, 9);
    const mark = pool.arena.mark();
    const two = attendOnKernels(pool, inputs);
    expect(pool.arena.mark()).toBe(mark);
    for (const threads of [1, 3]) {
      const other = await KernelPool.start({ threads });
      expect(attendOnKernels(other, inputs)).toEqual(two);
      await other.stop();
    }
  });

  it('runs on machines without relaxed SIMD', async () => {
    const plain = await KernelPool.start({ threads: 1, flavour: 'simd' });
    const inputs = inputsOf({ tokens: 50, kvHeads: 1, groups: 1, headDim: 24, window: 50, spread: 1 }, 11);
    const found = attendOnKernels(plain, inputs);
    await plain.stop();
    const expected = byDefinition(inputs);
    for (const [i, value] of expected.entries())
      expect(Math.abs(value - (found[i] ?? NaN))).toBeLessThan(3e-6);
  });
});
