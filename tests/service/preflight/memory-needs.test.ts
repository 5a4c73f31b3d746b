import { describe, expect, it } from 'vitest';
import { ARENA_BYTES } from '../../../main/engine/kernels/arena.ts';
import {
  type MemoryQuestion,
  kernelBytes,
  memoryNeeds,
} from '../../../main/service/preflight/memory-needs.ts';
import { budgetOfBits } from '../../../shared/budget.ts';
import { budgetForAll } from '../../../shared/model-budget.ts';
import { PLUS_TECHNIQUES, type PlusChoices } from '../../../shared/plus.ts';
import { DEMO_DESCRIPTION, LLAMA_7B } from '../../known-models.ts';

const NO_WINDOWS = { count: 0, length: 0 };

/** q [4, 4], k and v [2, 4], o [4, 4], gate and up [6, 4], down [4, 6]. */
const TINY: MemoryQuestion = {
  model: {
    ...DEMO_DESCRIPTION,
    hiddenSize: 4,
    ffnSize: 6,
    blocks: 2,
    heads: 2,
    kvHeads: 1,
    headDim: 2,
    vocabSize: 10,
  },
  segments: { count: 5, length: 3 },
  windows: NO_WINDOWS,
  budget: budgetForAll(budgetOfBits(2)),
  threads: 1,
  engine: 'tensorflow-gpu',
};

describe('memory of a tiny run, by hand', () => {
  it('has activations of all tokens', () => {
    // 15 tokens of 4 and 6 values.
    expect(memoryNeeds(TINY).activations).toBe(600);
    // And 2 windows of 7 tokens of 4 values.
    expect(memoryNeeds({ ...TINY, windows: { count: 2, length: 7 } }).activations).toBe(600 + 224);
  });

  it("has the kernels' memory", () => {
    // Scratch; [8, 96] of weights and errors, [8, 4] of codes; 4 codebooks of 4; weights on their way in.
    const loop = 8 * 8 * 96 + 8 * 4 + 4 * 4 * 4 + 32 * 2 ** 20;
    const scratch = 2 ** 20 + 142 * 4;
    expect(kernelBytes(['o'], TINY)).toBe(scratch + loop);
    // On WebAssembly a Hessian and its factor of 96 x 96 beside it.
    expect(kernelBytes(['o'], { ...TINY, engine: 'wasm' })).toBe(scratch + loop + 2 * 4 * 96 ** 2);
  });

  it('has the weights of a block, and of a group with codes', () => {
    const { device, groupWeights } = memoryNeeds(TINY);
    expect(device.block).toBe(4 * 120);
    // gate, up: 48 floats and codes, and 24 floats looked up.
    expect(groupWeights).toBe(48 * 5 + 24 * 4);
  });

  it('has the logits of an evaluation among the steps', () => {
    const windows = { count: 1, length: 512 };
    const { device } = memoryNeeds({ ...TINY, model: DEMO_DESCRIPTION, windows });
    // Hidden states twice, the head, and 4096 logits a token three times.
    const values = 512 * 2 * 192 + 4096 * 192 + 3 * 4096 * 512;
    expect(device.step).toEqual({ name: 'the logits of the evaluation', bytes: 4 * values });
  });
});

describe('memory of large models', () => {
  const large = (hiddenSize: number, ffnSize: number, heads: number, kvHeads = heads): MemoryQuestion => ({
    model: { ...LLAMA_7B, hiddenSize, ffnSize, heads, kvHeads, headDim: hiddenSize / heads, blocks: 80 },
    segments: { count: 128, length: 2048 },
    windows: NO_WINDOWS,
    budget: budgetForAll(budgetOfBits(2.12)),
    threads: 16,
    engine: 'tensorflow-gpu',
  });

  it('of the kernels is of the matrices that are there together', () => {
    const llama65 = memoryNeeds(large(8192, 22_016, 64));
    expect(llama65.activations).toBe(262_144 * (8192 + 22_016) * 4);
    // q, k and v; gate and up go one after the other.
    expect(llama65.largestGroup).toEqual(['q', 'k', 'v']);
    expect(llama65.kernels).toBeGreaterThan(3 * 8192 * 8192 * 9);
    expect(llama65.kernels).toBeLessThan(ARENA_BYTES);
  });

  it('of the kernels is too small for matrices of 53,248 x 16,384', () => {
    expect(memoryNeeds(large(16_384, 53_248, 128, 8)).kernels).toBeGreaterThan(ARENA_BYTES);
  });

  it('grows with tokens in proportion where they are kept, and with no other need of the host', () => {
    const one = memoryNeeds(large(4096, 11_008, 32));
    const two = memoryNeeds({ ...large(4096, 11_008, 32), segments: { count: 256, length: 2048 } });
    expect(two).toEqual({ ...one, activations: 2 * one.activations });
  });

  it('of the device is a block and the factorization of its widest matrix', () => {
    const { device } = memoryNeeds({ ...large(4096, 11_008, 32), model: LLAMA_7B });
    expect(device.block).toBe(4 * 202_375_168);
    expect(device.step).toEqual({ name: 'the factorization of down', bytes: 3.5 * 4 * 11_008 ** 2 });
  });

  it('of claq-plus has the drift and the undamped Hessian beside the factorization', () => {
    const question = { ...large(4096, 11_008, 32), model: LLAMA_7B };
    const plus: PlusChoices = { techniques: [...PLUS_TECHNIQUES], strength: 'auto', sweeps: 2 };
    const drift = 11_008 * 4096;
    expect(memoryNeeds({ ...question, plus }).device.step).toEqual({
      name: 'the factorization of down',
      bytes: 4 * (4.5 * 11_008 ** 2 + drift),
    });
    const sweepsAlone: PlusChoices = { ...plus, techniques: ['sweeps'] };
    expect(memoryNeeds({ ...question, plus: sweepsAlone }).device.step).toEqual({
      name: 'the factorization of down',
      bytes: 4 * 4.5 * 11_008 ** 2,
    });
  });

  it('has no scores of attention where the kernels make them', () => {
    // Sixteen times as many heads as values in a token: scores are most of it.
    const model = { ...LLAMA_7B, heads: 512, kvHeads: 512, headDim: 8 };
    const question = { ...large(4096, 11_008, 32), model, segments: { count: 1, length: 2048 } };
    const projections = 2048 * (2 * 4096 + 6 * 3 * 4096);
    expect(memoryNeeds(question).device.step).toEqual({
      name: 'attention',
      bytes: 4 * (projections + 3 * 512 * 256 * 2048),
    });
    expect(memoryNeeds({ ...question, engine: 'wasm' }).device.step).toEqual({
      name: 'attention',
      bytes: 4 * projections,
    });
  });
});
