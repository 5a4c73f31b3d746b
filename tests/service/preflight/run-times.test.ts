import { describe, expect, it } from 'vitest';
import { constantRate } from '../../../main/service/preflight/rate-curve.ts';
import type { Rates } from '../../../main/service/preflight/rates.ts';
import { type RunToTime, runTimes, timedParts } from '../../../main/service/preflight/run-times.ts';
import { budgetOfBits } from '../../../shared/budget.ts';
import { budgetForAll } from '../../../shared/model-budget.ts';
import { DEMO_DESCRIPTION, LLAMA_7B } from '../../known-models.ts';

const NO_TIME = constantRate(Infinity);

/** A machine on which nothing takes time. */
const FAST: Rates = {
  forward: NO_TIME,
  hessian: NO_TIME,
  factor: NO_TIME,
  evaluate: NO_TIME,
  updates: Infinity,
  codebooks: Infinity,
  planning: Infinity,
  bookkeeping: Infinity,
  writing: Infinity,
  upload: Infinity,
  download: Infinity,
  reading: Infinity,
  start: 0,
};
const ONE = constantRate(1);

const RUN: RunToTime = {
  model: DEMO_DESCRIPTION,
  method: { method: 'claq', budget: budgetForAll(budgetOfBits(2)), columnOrder: 'benefit' },
  segments: { count: 4, length: 128 },
  windows: { count: 2, length: 128 },
  engine: 'wasm',
  threads: 3,
};
const MIXED: RunToTime = { ...RUN, method: { ...RUN.method, budget: budgetForAll(budgetOfBits(2.12)) } };

/** Parts that take time. */
function taken(run: RunToTime, slow: Partial<Rates>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(runTimes(run, { ...FAST, ...slow })).filter(([, seconds]) => seconds > 0),
  );
}

describe('times, by hand: the demo model', () => {
  it.each<[string, Partial<Rates>, Record<string, number>]>([
    ['products', { forward: ONE }, { forward: 2_568_093_696 }],
    ['Hessians', { hessian: ONE }, { hessian: 1_145_044_992 }],
    ['factors', { factor: ONE }, { factor: 310_902_784 }],
    // Half as many tokens, and the head.
    ['evaluation', { evaluate: ONE }, { evaluate: 1_284_046_848 + 402_653_184 }],
    ['bookkeeping', { bookkeeping: 1 }, { columns: 2_359_296 }],
    ['writing', { writing: 1 }, { writing: 2_359_296 }],
    ['upload', { upload: 1 }, { forward: 18_087_936, hessian: 13_369_344, evaluate: 1_179_648 }],
    ['download', { download: 1 }, { forward: 13_369_344, evaluate: 1_179_648 }],
  ])('%s', (_, slow, expected) => {
    expect(taken(RUN, slow)).toEqual(expected);
  });

  it('moves what does not stay on the device', () => {
    // Of 4 x 128 tokens: 192 values of the stream, and 512 of what goes into down.
    const half = 4 * 512 * (192 + 512) * 0.5;
    expect(taken({ ...RUN, deviceActivations: half }, { upload: 1, download: 1 })).toEqual({
      forward: (18_087_936 + 13_369_344) / 2,
      hessian: 13_369_344 / 2,
      evaluate: 2 * 1_179_648,
    });
    expect(taken({ ...RUN, deviceActivations: 1e9 }, { upload: 1 })).toEqual({ evaluate: 1_179_648 });
  });

  it('takes columns one after another, matrices of a group side by side', () => {
    // Longest of each group: 192 columns of 192 rows, the same, 192 of 512, 512 of 192; 25 ns a row and 20 us a column.
    const chain = 192 * (192 * 25e-9 + 20e-6);
    const ofBlock = 2 * chain + 192 * (512 * 25e-9 + 20e-6) + 512 * (192 * 25e-9 + 20e-6);
    expect(taken(RUN, { codebooks: 1 })['columns']).toBeCloseTo(6 * ofBlock, 12);
    expect(taken(RUN, { codebooks: 2 })['columns']).toBeCloseTo(3 * ofBlock, 12);
    // One thread does it all.
    const keyValue = 192 * (64 * 25e-9 + 20e-6);
    const all = ofBlock + 2 * keyValue + 192 * (512 * 25e-9 + 20e-6);
    expect(taken({ ...RUN, threads: 1 }, { codebooks: 1 })['columns']).toBeCloseTo(6 * all, 12);
  });

  it('mixes the widths to their average', () => {
    // 2.05 bits of {2, 4}: one column in 40 has 46 us instead of 20.
    const plain = taken(RUN, { codebooks: 1 })['columns'] ?? 0;
    const columns = 192 + 192 + 192 + 512;
    expect(taken(MIXED, { codebooks: 1 })['columns']).toBeCloseTo(plain + (6 * columns * 26e-6) / 40, 12);
  });

  it('measures and chooses only where columns differ in what they get', () => {
    expect(taken(RUN, { planning: 1 })).toEqual({});
    // Rows of all columns: 15 ns each; 1664 columns a block with 5 shares of 0.65 x 46 us.
    const rows = 192 * (2 * 192 + 2 * 64 + 2 * 512) + 512 * 192;
    const ofBlock = rows * 15e-9 + 1664 * 5 * 0.65 * 46e-6;
    expect(taken(MIXED, { planning: 1 })['planning']).toBeCloseTo((6 * ofBlock) / 3, 12);
    const byOrder: RunToTime = { ...MIXED, method: { ...MIXED.method, columnOrder: 'outlier' } };
    expect(taken(byOrder, { planning: 1 })).toEqual({});
  });

  it('carries errors on with all methods but rtn', () => {
    // 192 + 2 x 64 + 192 + 2 x 512 rows of 192 columns, 192 rows of 512 columns.
    expect(taken(RUN, { updates: 1 })).toEqual({ columns: 6 * (1536 * 192 ** 2 + 192 * 512 ** 2) });
    const method = { method: 'rtn', budget: budgetForAll(budgetOfBits(2)), columnOrder: 'outlier' } as const;
    expect(taken({ ...RUN, method }, { updates: 1 })).toEqual({});
  });

  it("sums up to a record's parts", () => {
    const times = { forward: 1, hessian: 2, factor: 3, planning: 4, columns: 5, evaluate: 6, writing: 7 };
    expect(timedParts(times)).toEqual({ forward: 1, hessian: 2, quantize: 12, evaluate: 6, original: 6 });
  });
});

describe('large matrices', () => {
  const large: RunToTime = { ...RUN, model: { ...LLAMA_7B, blocks: 1 } };

  it('have their errors carried over stretches of 384 columns by TensorFlow', () => {
    const onKernels = taken(large, { updates: 1 });
    // 4 x 4096 + 2 x 11008 rows of 4096 columns, 4096 rows of 11008.
    const all = 38_400 * 4096 ** 2 + 4096 * 11_008 ** 2;
    expect(onKernels).toEqual({ columns: all });
    const near = 38_400 * 4096 * 384 + 4096 * 11_008 * 384;
    const device: RunToTime = { ...large, engine: 'tensorflow-cpu' };
    expect(taken(device, { updates: 1 })).toEqual({ columns: near });
    expect(taken(device, { forward: ONE })['columns']).toBe(all - near);
  });
});
