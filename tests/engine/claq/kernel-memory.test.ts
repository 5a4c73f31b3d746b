import { describe, expect, it } from 'vitest';
import { requireKernelMemory, runsThatFit } from '../../../main/engine/claq/kernel-memory.ts';
import type { ModelDescription } from '../../../shared/model.ts';
import { LLAMA_7B } from '../../known-models.ts';

/** A Llama without grouped queries. */
function llama(hiddenSize: number, ffnSize: number): ModelDescription {
  const heads = hiddenSize / 128;
  return { ...LLAMA_7B, hiddenSize, ffnSize, heads, kvHeads: heads, headDim: 128 };
}

describe('runsThatFit', () => {
  it('takes as many matrices of a group together as the kernels have room for, in order', () => {
    const rows = (...counts: number[]): { rows: number }[] => counts.map((count) => ({ rows: count }));
    const device = { home: 'device', columns: 8192 } as const;
    // LLaMA-65B's q, k and v: 8192 x (2 x 4 x 8256 + 8192) bytes each, 1.82 GB together.
    expect(runsThatFit(rows(8192, 8192, 8192), device)).toEqual([rows(8192, 8192, 8192)]);
    // Its gate and up: 3.27 GB together.
    expect(runsThatFit(rows(22_016, 22_016), device)).toEqual([rows(22_016), rows(22_016)]);
    expect(runsThatFit(rows(8, 28_672, 16, 28_672), device)).toEqual([rows(8, 28_672, 16), rows(28_672)]);
    // With the factor in the same memory: two squares of 8256 x 8256 less.
    const kernels = { home: 'kernels', columns: 8192 } as const;
    expect(runsThatFit(rows(8192, 8192, 8192, 8192), kernels)).toEqual([rows(8192, 8192, 8192), rows(8192)]);
  });
});

describe('requireKernelMemory', () => {
  it.each(['kernels', 'device'] as const)('lets models through that fit, Hessians on the %s', (home) => {
    expect(() => requireKernelMemory(llama(4096, 11_008), home)).not.toThrow();
    expect(() => requireKernelMemory(llama(5120, 13_824), home)).not.toThrow();
  });

  it.each([
    ['kernels', 'q, 16384 x 16384'],
    ['device', 'gate, 53248 x 16384'],
  ] as const)('refuses a matrix that is too large on any engine, Hessians on the %s', (home, where) => {
    expect(() => requireKernelMemory(llama(16_384, 53_248), home)).toThrow(
      expect.objectContaining({ code: 'engine/out-of-memory', where }),
    );
  });

  it('refuses what only TensorFlow has room for where it is missing, and says so', () => {
    const large = llama(8192, 22_016);
    expect(() => requireKernelMemory(large, 'device')).not.toThrow();
    expect(() => requireKernelMemory(large, 'kernels')).toThrow(
      expect.objectContaining({
        code: 'engine/out-of-memory',
        where: 'down, 8192 x 22016',
        // Three squares of 22,080 x 22,080.
        found: '5850316800 bytes',
        remedy: 'set TensorFlow up (claq setup), which keeps Hessians elsewhere',
      }),
    );
  });
});
