import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelBytes, packedModelBytes } from '../../bench/cost-disk.ts';
import {
  type PhaseTimes,
  type PlannedRun,
  attentionScores,
  predictTimes,
  totalSeconds,
} from '../../bench/cost-model.ts';
import type { DeviceRates, HostRates, KernelRates, Machine } from '../../bench/rates.ts';
import { syntheticDescription } from '../../bench/synthetic-model.ts';
import { productFlops } from '../../bench/whole-run.ts';
import { constantRate } from '../../main/service/preflight/rate-curve.ts';
import { budgetOfBits } from '../../shared/budget.ts';

/** q [4, 4], k and v [2, 4], o [4, 4], gate and up [6, 4], down [4, 6]: 120 weights a block. */
const TINY = syntheticDescription({
  hiddenSize: 4,
  ffnSize: 6,
  blocks: 2,
  heads: 2,
  kvHeads: 1,
  vocabSize: 10,
  contextLength: 2048,
});

/** Four groups of 4096 columns, with 28,672 rows together. */
const WIDE = syntheticDescription({
  hiddenSize: 4096,
  ffnSize: 4096,
  blocks: 1,
  heads: 32,
  kvHeads: 32,
  vocabSize: 10,
  contextLength: 2048,
});

const TWO_BITS: PlannedRun = {
  model: TINY,
  calibration: { segments: 5, tokens: 3 },
  budget: budgetOfBits(2),
  fileBytes: 1000,
};
const MIXED: PlannedRun = { ...TWO_BITS, budget: budgetOfBits(2.12) };

const NO_TIME = constantRate(Infinity);
const DEVICE: DeviceRates = {
  product: NO_TIME,
  carryProduct: NO_TIME,
  hessian: NO_TIME,
  factor: NO_TIME,
  attention: NO_TIME,
  norm: NO_TIME,
  rotation: NO_TIME,
  gate: NO_TIME,
  sum: NO_TIME,
  upload: Infinity,
  download: Infinity,
};
const KERNELS: KernelRates = {
  codebooks: new Map([2, 4].map((width) => [width, NO_TIME])),
  planning: NO_TIME,
  updates: Infinity,
  factor: NO_TIME,
  crowding: 1,
  staging: Infinity,
};
const HOST: HostRates = {
  start: 0,
  hash: Infinity,
  read: Infinity,
  statistics: Infinity,
  layout: Infinity,
  dequantize: Infinity,
  write: Infinity,
  choice: Infinity,
};
const ONE = constantRate(1);

interface Slow {
  readonly device?: Partial<DeviceRates>;
  readonly kernels?: Partial<KernelRates>;
  readonly host?: Partial<HostRates>;
  readonly machine?: Partial<Machine>;
}

/** A machine on which nothing takes time but what is named. */
function slowAt({ device, kernels, host, machine }: Slow): Machine {
  return {
    device: { ...DEVICE, ...device },
    kernels: { ...KERNELS, ...kernels },
    host: { ...HOST, ...host },
    threads: 1,
    ownDevice: true,
    factorsOnDevice: false,
    keepsActivations: false,
    ...machine,
  };
}

/** Phases that take time. */
function taken(run: PlannedRun, slow: Slow): Partial<PhaseTimes> {
  return Object.fromEntries(
    Object.entries(predictTimes(run, slowAt(slow))).filter(([, seconds]) => seconds !== 0),
  );
}

describe('times, by hand: 2 blocks, 5 segments of 3 tokens', () => {
  it.each([
    // 2 x 3 x 120 a segment and block.
    ['products', { device: { product: ONE } }, { forward: 7200 }],
    // All 3 queries at once: 2 heads x 3 x 3.
    ['attention', { device: { attention: ONE } }, { forward: 180 }],
    ['norms, once more for the Hessians', { device: { norm: ONE } }, { forward: 240, hessian: 240 }],
    // 2 heads of queries and one of keys, 2 wide.
    ['rotation', { device: { rotation: ONE } }, { forward: 180 }],
    ['gate', { device: { gate: ONE } }, { forward: 180 }],
    ['residual sums', { device: { sum: ONE } }, { forward: 240 }],
    // 3 x (16 + 16 + 16 + 36).
    ['Hessians', { device: { hessian: ONE } }, { hessian: 2520 }],
    // 48 + (48 + 48) + 48 + (48 + 72) bytes; 48 + 48 + 48 + 72; then 4 bytes a quantized weight.
    ['upload', { device: { upload: 1 } }, { forwardTransfers: 3120, hessianTransfers: 2160, write: 960 }],
    // 48 + 48 + 72 + 48 bytes; 4 bytes a weight.
    ['download', { device: { download: 1 } }, { forwardTransfers: 2160, write: 960 }],
    [
      'upload and download where activations stay',
      { device: { upload: 1, download: 1 }, machine: { keepsActivations: true } },
      { write: 1920 },
    ],
    // (64 + 64 + 64 + 216) / 3 a block.
    ['factorization', { kernels: { factor: ONE } }, { factor: 272 }],
    ['reading', { host: { read: 1 } }, { read: 480 }],
    ['statistics', { host: { statistics: 1 } }, { bookkeeping: 240 }],
    ['layout', { host: { layout: 1 } }, { bookkeeping: 240 }],
    ['dequantizing', { host: { dequantize: 1 } }, { write: 240 }],
    ['writing', { host: { write: 1 } }, { write: 240 }],
    ['start', { host: { start: 7, hash: 10 } }, { start: 107 }],
  ])('%s', (_, slow, expected) => {
    expect(taken(TWO_BITS, slow)).toEqual(expected);
  });

  it('measures and chooses only where columns differ in what they get', () => {
    // 120 weights a block; 6 matrices of 4 columns and one of 6.
    const slow = { kernels: { planning: ONE }, host: { choice: 1 } };
    expect(taken(TWO_BITS, slow)).toEqual({});
    expect(taken(MIXED, slow)).toEqual({ planning: 240, bookkeeping: 60 });
    const crowded = { kernels: { planning: ONE, crowding: 2 }, machine: { threads: 4 } };
    expect(taken(MIXED, crowded)).toEqual({ planning: 120 });
  });

  it('takes columns one after another, matrices of a group side by side', () => {
    const codebooks = new Map([[2, ONE]]);
    // The largest matrices have 16, 16, 24 and 24 weights; on one thread it is all 120.
    expect(taken(TWO_BITS, { kernels: { codebooks }, machine: { threads: 3 } })).toEqual({ codebooks: 160 });
    expect(taken(TWO_BITS, { kernels: { codebooks } })).toEqual({ codebooks: 160, updates: 80 });
  });

  it('mixes the widths to their average', () => {
    // 2.12 is 2.05 bits of {2, 4}: one column in 40 is wide.
    const codebooks = new Map([
      [2, ONE],
      [4, constantRate(0.5)],
    ]);
    const times = predictTimes(MIXED, slowAt({ kernels: { codebooks }, machine: { threads: 3 } }));
    expect(times.codebooks).toBeCloseTo(160 * 1.025, 9);
  });
});

describe('the column loop of large matrices', () => {
  const run: PlannedRun = { ...TWO_BITS, model: WIDE, calibration: { segments: 1, tokens: 1 } };

  it('carries each stretch over to all behind it: stretches of 384 columns, the last of 288', () => {
    const times = predictTimes(
      run,
      slowAt({ device: { carryProduct: ONE }, machine: { factorsOnDevice: true } }),
    );
    // 2 x 28672 x (384^2 x (1 + ... + 9) + 3840 x 288).
    expect(times.updates + times.carry).toBe(443_925_135_360);
    // Of these between two stretches: 2 x 28672 x (9 x 384^2 + 384 x 288).
    expect(times.carry).toBe(57_344 * 1_437_696);
  });

  it('leaves the updates within a stretch to the kernels, without a device all of them', () => {
    // Pairs of blocks: 10 stretches of 4 and one of 3, or 43; 2 x 96^2 operations a row.
    const slow = { kernels: { updates: 1 } };
    const onDevice = predictTimes(run, slowAt({ ...slow, machine: { factorsOnDevice: true } }));
    expect(onDevice.updates + onDevice.codebooks).toBe(28_672 * 18_432 * 63);
    const alone = predictTimes(run, slowAt(slow));
    expect(alone.updates + alone.codebooks).toBe(28_672 * 18_432 * 903);
  });

  it('hides products behind codebooks on a device of its own, and adds them on shared cores', () => {
    const slow: Slow = {
      kernels: { codebooks: new Map([[2, ONE]]) },
      device: { carryProduct: constantRate(1e9) },
    };
    const machine = { factorsOnDevice: true, threads: 3 };
    expect(predictTimes(run, slowAt({ ...slow, machine })).updates).toBe(0);
    const shared = predictTimes(run, slowAt({ ...slow, machine: { ...machine, ownDevice: false } }));
    expect(shared.updates).toBeGreaterThan(0);
  });
});

describe('how times grow', () => {
  const everything: Slow = {
    device: { product: ONE, hessian: ONE, attention: ONE, norm: ONE, factor: ONE, upload: 1, download: 1 },
    kernels: {
      codebooks: new Map([2, 4].map((width) => [width, ONE])),
      planning: ONE,
      factor: ONE,
      updates: 1,
    },
    host: { read: 1, statistics: 1, write: 1, choice: 1 },
  };
  const seconds = (segments: number, tokens: number, blocks: number): number =>
    totalSeconds(
      predictTimes(
        { ...MIXED, calibration: { segments, tokens }, model: { ...TINY, blocks } },
        slowAt(everything),
      ),
    );
  const count = fc.integer({ min: 1, max: 200 });

  it('in proportion to the blocks', () => {
    fc.assert(
      fc.property(count, count, count, (segments, tokens, blocks) => {
        expect(seconds(segments, tokens, blocks)).toBeCloseTo(blocks * seconds(segments, tokens, 1), 3);
      }),
    );
  });

  it('by the same for each segment', () => {
    fc.assert(
      fc.property(count, count, (segments, tokens) => {
        const each = seconds(2, tokens, 1) - seconds(1, tokens, 1);
        expect(seconds(segments, tokens, 1)).toBeCloseTo(seconds(1, tokens, 1) + (segments - 1) * each, 3);
      }),
    );
  });

  it('with every token', () => {
    fc.assert(
      fc.property(count, fc.integer({ min: 1, max: 2000 }), (segments, tokens) => {
        expect(seconds(segments, tokens + 1, 1)).toBeGreaterThan(seconds(segments, tokens, 1));
      }),
    );
  });

  it('counts the operations that the end-to-end benchmark counts', () => {
    const run = { bits: 2, segments: 5, segmentLength: 3, blocks: 2, threads: 1 };
    const times = predictTimes(TWO_BITS, slowAt({ device: { product: ONE, hessian: ONE } }));
    // It adds scores and mixtures, of which half is hidden: 2 x 2 heads x 2 wide x 3 tokens for each token and block.
    expect(times.forward + times.hessian).toBe(productFlops(TINY, run) - 2 * 2 * 2 * 3 * 15 * 2);
  });
});

describe('attention', () => {
  it('computes scores in chunks of 256 queries, up to the last query of each', () => {
    expect(attentionScores({ ...TINY, heads: 1 }, 256)).toBe(65_536);
    expect(attentionScores({ ...TINY, heads: 3 }, 600)).toBe(3 * (256 * 256 + 256 * 512 + 88 * 600));
  });

  it('begins at the first key that a sliding window reaches', () => {
    // The second chunk's first query, 256, reaches back to key 157.
    const model = { ...TINY, heads: 1, slidingWindow: 100 };
    expect(attentionScores(model, 512)).toBe(256 * 256 + 256 * (512 - 157));
  });
});

it('counts the bytes of a tiny model, packed and in half precision', () => {
  // Codes of 240 weights, 60 codebooks of 4 halves, a class a matrix.
  expect(packedModelBytes(TINY, budgetOfBits(2))).toBe(60 + 60 * 8 + 14 * 8);
  // 240 weights, 10 embeddings, 5 norms.
  expect(modelBytes(TINY)).toBe(2 * (240 + 40 + 20));
});
