import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import type { MethodSettings } from '../../main/engine/claq/quantize-group.ts';
import {
  type QuantizedMatrix,
  codebookFormOf,
  dequantize,
  reservedCounts,
} from '../../main/engine/claq/quantized-matrix.ts';
import { heldOutStrength } from '../../main/engine/held-out-strength.ts';
import { type MatrixPlan, planModel } from '../../main/engine/plan-model.ts';
import { type QuantizationRun, quantizeModel } from '../../main/engine/run.ts';
import { type Engine, startEngine } from '../../main/engine/start-engine.ts';
import type { Progress } from '../../shared/progress.ts';
import { KernelPool } from '../../main/engine/kernels/kernel-pool.ts';
import { classesOf, packedBytes, totalBytes } from '../../shared/bits.ts';
import { MATRIX_KINDS, type MatrixKind, matrixName, matrixShape } from '../../shared/model.ts';
import { plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { PLUS_TECHNIQUES, type PlusChoices, type PlusTechnique } from '../../shared/plus.ts';
import { familyFolder, readExpected } from '../golden/families.ts';
import { SETTINGS } from './run-settings.ts';
import { TEST_ENGINE } from './tensors/test-backend.ts';

let engine: Engine;
let checkpoint: Checkpoint;
let segments: Int32Array[];
beforeAll(async () => {
  engine = await startEngine({ threads: 2, engine: TEST_ENGINE });
  checkpoint = await openCheckpoint(familyFolder('qwen3'));
  segments = (await readExpected('qwen3')).windows;
});
afterAll(async () => {
  await checkpoint.close();
  await engine.stop();
});

function withPlus(techniques: readonly PlusTechnique[], rest: Partial<PlusChoices> = {}): MethodSettings {
  return {
    ...SETTINGS,
    method: 'claq-plus',
    plus: { techniques: [...techniques], strength: 0.5, sweeps: 2, ...rest },
  };
}

interface Result {
  readonly matrices: ReadonlyMap<string, QuantizedMatrix>;
  readonly nll: number;
}

async function quantize(settings: MethodSettings, more: Partial<QuantizationRun> = {}): Promise<Result> {
  const matrices = new Map<string, QuantizedMatrix>();
  const { perplexity } = await quantizeModel({
    checkpoint,
    pool: engine.pool,
    segments,
    windows: segments,
    settings,
    onMatrix: ({ name, matrix }) => Promise.resolve(void matrices.set(name, matrix)),
    ...more,
  });
  return { matrices, nll: perplexity?.meanNll ?? NaN };
}

function codesOf({ matrices }: Result): unknown {
  return [...matrices].map(([name, { codes, levels, reservedRows, reservedValues }]) => [
    name,
    codes,
    levels,
    reservedRows,
    reservedValues,
  ]);
}

function bytesOf({ matrices }: Result): number {
  let bytes = 0;
  for (const matrix of matrices.values()) {
    const form = matrix.levels.kind === 'codebook' ? codebookFormOf(matrix.levels) : {};
    bytes += totalBytes(packedBytes(matrix, classesOf(matrix.widths, reservedCounts(matrix)), form));
  }
  return bytes;
}

const CORRECTING = [
  'row-scales',
  'byte-codebooks',
  'error-reservation',
  'asymmetric',
  'residual',
  'sweeps',
] as const;

describe('a run of CLAQ+', () => {
  it('without any technique is the plain method', async () => {
    expect(codesOf(await quantize(withPlus([])))).toEqual(codesOf(await quantize(SETTINGS)));
  });

  it('with each technique alone is another result', async () => {
    const plain = await quantize(SETTINGS);
    for (const technique of CORRECTING) {
      const alone = await quantize(withPlus([technique]));
      expect(codesOf(alone), technique).not.toEqual(codesOf(plain));
      expect(Number.isFinite(alone.nll)).toBe(true);
    }
  });

  it('gives the same bytes again, on any number of threads, what is decided beforehand included', async () => {
    const settings = withPlus(PLUS_TECHNIQUES);
    const { pool } = engine;
    const first = await planModel({ checkpoint, pool, segments, settings });
    const codes = codesOf(await quantize(settings, { plan: lookUp(first) }));
    for (const threads of [1, 3]) {
      const other = await KernelPool.start({ threads });
      try {
        const plans = await planModel({ checkpoint, pool: other, segments, settings });
        expect(plans).toEqual(first);
        expect(codesOf(await quantize(settings, { pool: other, plan: lookUp(plans) }))).toEqual(codes);
      } finally {
        await other.stop();
      }
    }
  });

  it('tells of its progress to the end', async () => {
    const seen: Progress[] = [];
    await quantize(withPlus(CORRECTING), { onProgress: (progress) => seen.push(progress) });
    const done = seen.map((progress) => progress.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(seen.at(-1)?.done).toBe(seen.at(-1)?.total);
    expect(seen.map(({ detail }) => detail)).toContain('block 1 of 2, drift of o');
  });

  it('goes on behind finished blocks as if it had never stopped', async () => {
    const settings = withPlus(CORRECTING);
    const whole = await quantize(settings);
    const rest = await quantize(settings, {
      finished: (block) =>
        Promise.resolve(
          block > 0
            ? undefined
            : (of: number, kind: MatrixKind) => {
                const matrix = whole.matrices.get(matrixName(of, kind));
                return Promise.resolve(matrix && dequantize(matrix));
              },
        ),
    });
    expect(rest.nll).toBe(whole.nll);
    for (const [name, matrix] of rest.matrices) expect(matrix).toEqual(whole.matrices.get(name));
    expect(rest.matrices.size).toBe(whole.matrices.size - MATRIX_KINDS.length);
  });

  it('may quantize the first blocks alone', async () => {
    const { matrices, nll } = await quantize(withPlus(CORRECTING), { firstBlocks: 1 });
    expect([...matrices.keys()]).toEqual(MATRIX_KINDS.map((kind) => matrixName(0, kind)));
    const all = await quantize(withPlus(CORRECTING));
    expect(nll).not.toBe(all.nll);
  });
});

describe('allocation over the model', () => {
  it('spends the bytes of the budget and not one more, as the exporter counts them', async () => {
    for (const techniques of [['allocation'], ['allocation', 'byte-codebooks'], PLUS_TECHNIQUES] as const) {
      const settings = withPlus(techniques);
      const plans = await planModel({ checkpoint, pool: engine.pool, segments, settings });
      expect(plans).toHaveLength(checkpoint.model.blocks * MATRIX_KINDS.length);
      for (const { kind, plan } of plans) {
        const { rows, columns } = matrixShape(checkpoint.model, kind);
        expect(plan?.widths).toHaveLength(columns);
        expect(Math.max(...(plan?.reservedLow ?? [NaN]))).toBeLessThan(rows / 2);
      }
      const quantized = await quantize(settings, { plan: lookUp(plans) });
      for (const { block, kind, plan } of plans) {
        const matrix = quantized.matrices.get(matrixName(block, kind)) ?? failed();
        expect(matrix.widths, matrixName(block, kind)).toEqual(plan?.widths);
        expect(reservedCounts(matrix)).toEqual(
          plan?.reservedLow.map((low, i) => low + (plan.reservedHigh[i] ?? 0)),
        );
      }
      const bytes = bytesOf(quantized);
      const allowed = plannedPackedBytes(checkpoint.model, { method: 'claq', budget: settings.budget });
      expect(bytes).toBeLessThanOrEqual(allowed);
      expect(bytes).toBeGreaterThan(0.995 * allowed);
    }
  });
});

describe('row sensitivity', () => {
  it('is known without an allocation, and changes what codebooks are fitted to', async () => {
    const settings = withPlus(['row-sensitivity']);
    const plans = await planModel({ checkpoint, pool: engine.pool, segments, settings });
    for (const { kind, plan, rowWeights } of plans) {
      expect(plan).toBeUndefined();
      expect(rowWeights).toHaveLength(matrixShape(checkpoint.model, kind).rows);
      expect(Math.max(...(rowWeights ?? []))).toBeGreaterThan(1);
    }
    const weighed = await quantize(settings, { plan: lookUp(plans) });
    expect(codesOf(weighed)).not.toEqual(codesOf(await quantize(SETTINGS)));
    expect(Number.isFinite(weighed.nll)).toBe(true);
  });
});

function lookUp(plans: readonly MatrixPlan[]): (block: number, kind: MatrixKind) => MatrixPlan {
  return (block, kind) => {
    const found = plans.find((each) => each.block === block && each.kind === kind);
    if (found === undefined) throw new Error(`no plan of ${kind}`);
    return found;
  };
}

describe('the strength of corrections', () => {
  it('is the least candidate with which held-out segments are foretold as well as with the best', async () => {
    // Four segments at least, of which one is held out.
    const many = [...segments, ...segments, ...segments, ...segments].slice(0, 8);
    const settings = withPlus(CORRECTING, { strength: 'auto' });
    const run = { checkpoint, pool: engine.pool, segments: many, settings };
    const { strength, trials } = await heldOutStrength(run, settings.plus ?? failed());
    expect(trials.map((trial) => trial.strength)).toEqual([0.25, 0.5]);
    const best = Math.min(...trials.map(({ nll }) => nll));
    const least = trials.find(({ nll, standardError }) => nll - best <= standardError);
    expect(strength).toBe(least?.strength);
    expect(new Set(trials.map(({ nll }) => nll)).size).toBe(2);
  });

  it('is the usual one where nothing can be held out, or nothing is corrected', async () => {
    const run = {
      checkpoint,
      pool: engine.pool,
      segments: segments.slice(0, 1),
      settings: withPlus(CORRECTING),
    };
    expect(await heldOutStrength(run, run.settings.plus ?? failed())).toEqual({ strength: 0.25, trials: [] });
    const plain = withPlus(['sweeps']);
    expect(await heldOutStrength({ ...run, segments, settings: plain }, plain.plus ?? failed())).toEqual({
      strength: 0.25,
      trials: [],
    });
  });
});

function failed(): never {
  throw new Error('there is none');
}
