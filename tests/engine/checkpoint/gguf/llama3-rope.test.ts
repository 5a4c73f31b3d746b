import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { llama3Divisors, recoverLlama3Rope } from '../../../../main/engine/checkpoint/gguf/llama3-rope.ts';

const LLAMA3 = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContextLength: 8192 };

describe("Llama 3's rotary scaling", () => {
  it.each([
    ['Llama 3.1', LLAMA3, 64],
    ['Llama 3.2 1B', { ...LLAMA3, factor: 32 }, 32],
    ['a wider range', { ...LLAMA3, highFreqFactor: 6, originalContextLength: 4096 }, 64],
  ])('comes back from its divisors: %s', (_name, rope, pairs) => {
    expect(recoverLlama3Rope(llama3Divisors(rope, 500_000, pairs), 500_000)).toEqual(rope);
  });

  it('is computed as transformers does: kept, between, divided', () => {
    const divisors = [...llama3Divisors({ ...LLAMA3, originalContextLength: 64 }, 10_000, 4)];
    // Wavelengths 6.28, 62.8, 628 and 6283; thresholds 16 and 64: 1 / (0.9938 / 8 + 0.0062) for the second.
    expect(divisors.map((divisor) => divisor.toFixed(6))).toEqual([
      '1.000000',
      '7.667385',
      '8.000000',
      '8.000000',
    ]);
  });

  it('comes back in a form that computes the same, whatever its numbers', () => {
    const numbers = fc.record({
      factor: fc.integer({ min: 2, max: 64 }),
      lowFreqFactor: fc.constantFrom(1, 2, 4),
      times: fc.integer({ min: 2, max: 16 }),
      context: fc.integer({ min: 9, max: 17 }),
      // Bases whose lowest frequency turns less than once, so that some are divided by the whole factor.
      theta: fc.constantFrom(500_000, 1_000_000, 5_000_000),
    });
    fc.assert(
      fc.property(numbers, ({ factor, lowFreqFactor, times, context, theta }) => {
        const highFreqFactor = lowFreqFactor * times;
        const rope = { factor, lowFreqFactor, highFreqFactor, originalContextLength: 2 ** context };
        const divisors = llama3Divisors(rope, theta, 64);
        const recovered = recoverLlama3Rope(divisors, theta);
        if (recovered === undefined) throw new Error('not recovered');
        for (const [pair, divisor] of llama3Divisors(recovered, theta, 64).entries()) {
          expect(Math.abs(divisor / (divisors[pair] ?? 0) - 1)).toBeLessThan(2e-5);
        }
      }),
    );
  });

  it('is not seen in divisors of another kind', () => {
    expect(recoverLlama3Rope(Float32Array.of(1, 1.5, 1.2, 8), 10_000)).toBeUndefined();
    expect(recoverLlama3Rope(Float32Array.of(0.5, 1, 2, 4), 10_000)).toBeUndefined();
  });
});
