import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { groupStages } from '../../main/engine/calibration-pass.ts';
import type { Checkpoint } from '../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { accumulateHessian, emptyHessian } from '../../main/engine/claq/accumulate-hessian.ts';
import {
  type GroupResult,
  type MethodSettings,
  quantizeGroup,
} from '../../main/engine/claq/quantize-group.ts';
import { dequantize, type QuantizedMatrix } from '../../main/engine/claq/quantized-matrix.ts';
import { evaluatePerplexity } from '../../main/engine/evaluate/perplexity.ts';
import { quantizeModel, type RunOutcome, type RunTiming } from '../../main/engine/run.ts';
import { type Engine, startEngine } from '../../main/engine/start-engine.ts';
import { tensorflowInUse } from '../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { BatchSizes } from '../../main/engine/transformer/batch-sizes.ts';
import { BlockWeights, type ReplaceMatrix } from '../../main/engine/transformer/block-weights.ts';
import { embedSegments } from '../../main/engine/transformer/embedding.ts';
import { Positions } from '../../main/engine/transformer/positions.ts';
import { budgetOfBits } from '../../shared/budget.ts';
import { budgetForAll, matrixBudget } from '../../shared/model-budget.ts';
import { MATRIX_KINDS, matrixName, matrixShape } from '../../shared/model.ts';
import type { Progress } from '../../shared/progress.ts';
import { TEST_ENGINE } from './tensors/test-backend.ts';
import { FAMILY_MODELS, familyFolder, type FamilyModel, readExpected } from '../golden/families.ts';
import { SETTINGS } from './run-settings.ts';

const DEMO_MODEL = fileURLToPath(new URL('../../resources/demo-model/model', import.meta.url));

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ threads: 2, engine: TEST_ENGINE });
});
afterAll(() => engine.stop());

interface Finished extends RunOutcome {
  readonly checkpoint: Checkpoint;
  readonly windows: Int32Array[];
  /** In the order in which they came. */
  readonly results: (GroupResult & { readonly block: number })[];
  readonly matrices: ReadonlyMap<string, QuantizedMatrix>;
  readonly progress: Progress[];
  /** After each block. */
  readonly timings: Readonly<RunTiming>[];
}

/**
 * Quantizes a golden model on the windows that its golden figures are of, and evaluates it on the same.
 * @param finished what an earlier run has made of a block
 */
async function runOn(
  name: FamilyModel,
  settings: MethodSettings,
  finished?: (block: number) => Promise<ReplaceMatrix | undefined>,
): Promise<Finished> {
  const checkpoint = await openCheckpoint(familyFolder(name));
  const { windows } = await readExpected(name);
  const results: Finished['results'] = [];
  const progress: Progress[] = [];
  const timings: Finished['timings'] = [];
  const outcome = await quantizeModel({
    checkpoint,
    pool: engine.pool,
    segments: windows,
    windows,
    settings,
    finished,
    onMatrix: (result) => Promise.resolve(void results.push(result)),
    onBlock: (timing) => Promise.resolve(void timings.push(timing)),
    onProgress: (each) => progress.push(each),
  });
  const matrices = new Map(results.map(({ name: matrix, matrix: values }) => [matrix, values]));
  return { ...outcome, checkpoint, windows, results, matrices, progress, timings };
}

/** The run's own weights in the place of the model's. */
function replaceBy({ matrices }: Finished): ReplaceMatrix {
  return (block, kind) => {
    const matrix = matrices.get(matrixName(block, kind));
    return Promise.resolve(matrix === undefined ? undefined : dequantize(matrix));
  };
}

describe('quantizeModel', () => {
  it.each(FAMILY_MODELS)('evaluates %s as it goes as the finished model is evaluated', async (name) => {
    const run = await runOn(name, SETTINGS);
    const again = await evaluatePerplexity({
      checkpoint: run.checkpoint,
      windows: run.windows,
      replace: replaceBy(run),
    });
    await run.checkpoint.close();
    expect(again.perplexity).toBe(run.perplexity?.perplexity);
    expect(run.perplexity?.perplexity).not.toBeCloseTo((await readExpected(name)).perplexity, 3);
  });

  it.each(FAMILY_MODELS)('keeps the perplexity of %s at eight bits', async (name) => {
    const run = await runOn(name, { ...SETTINGS, budget: budgetForAll(budgetOfBits(8)) });
    await run.checkpoint.close();
    const { perplexity } = await readExpected(name);
    expect((run.perplexity?.perplexity ?? 0) / perplexity).toBeCloseTo(1, 3);
  });

  it('gives every matrix once, in the order of the computation, and progress up to its end', async () => {
    const run = await runOn('qwen3', SETTINGS);
    await run.checkpoint.close();
    const { blocks } = run.checkpoint.model;
    expect(run.results.map(({ block, kind, name }) => [block, kind, name])).toEqual(
      Array.from({ length: blocks }, (_, block) =>
        MATRIX_KINDS.map((kind) => [block, kind, matrixName(block, kind)]),
      ).flat(),
    );
    // The windows are calibration text and evaluation text: through all blocks, and these once more through the head.
    const tokens = run.windows.reduce((sum, { length }) => sum + length, 0);
    const total = blocks * tokens + (blocks + 1) * tokens;
    expect(run.progress.every((each) => each.phase === 'Quantizing' && each.total === total)).toBe(true);
    const done = run.progress.map((each) => each.done);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect([done[0], done.at(-1)]).toEqual([0, total]);
    const evaluated = run.progress.filter(({ detail }) => detail?.endsWith(', evaluation'));
    expect(evaluated.map(({ detail }) => detail).filter((detail, i, all) => detail !== all[i - 1])).toEqual([
      ...Array.from({ length: blocks }, (_, block) => `block ${block + 1} of ${blocks}, evaluation`),
      'head, evaluation',
    ]);
  });

  it('holds as many tensors after a block as after the one before it, and none in the end', async () => {
    // tf.memory() does not see every handle of TensorFlow's.
    const held = (): number => tensorflowInUse()?.getNumOfTFTensors() ?? tf.memory().numTensors;
    const checkpoint = await openCheckpoint(DEMO_MODEL);
    const { vocabSize, blocks } = checkpoint.model;
    const tokens = [0, 1, 2].map((segment) =>
      Int32Array.from({ length: 40 }, (_, i) => (i * 37 + segment) % vocabSize),
    );
    const before = held();
    const afterBlock: number[] = [];
    await quantizeModel({
      checkpoint,
      pool: engine.pool,
      segments: tokens,
      windows: tokens,
      settings: SETTINGS,
      onMatrix: ({ kind }) => {
        if (kind === 'down') afterBlock.push(held());
        return Promise.resolve();
      },
    });
    await checkpoint.close();
    expect(afterBlock).toHaveLength(blocks);
    // What the positions need is uploaded at its first use, that of the windows behind the first block.
    const [, second, ...later] = afterBlock;
    expect(later.length).toBeGreaterThan(1);
    expect(later).toEqual(later.map(() => second));
    expect(held()).toBe(before);
  });

  it('counts calibration tokens alone where nothing is evaluated', async () => {
    const checkpoint = await openCheckpoint(familyFolder('llama'));
    const { windows } = await readExpected('llama');
    const progress: Progress[] = [];
    await quantizeModel({
      checkpoint,
      pool: engine.pool,
      segments: windows,
      windows: [],
      settings: SETTINGS,
      onMatrix: () => Promise.resolve(),
      onProgress: (each) => progress.push(each),
    });
    await checkpoint.close();
    const total = checkpoint.model.blocks * windows.reduce((sum, { length }) => sum + length, 0);
    expect(progress.at(-1)).toMatchObject({ done: total, total });
  });

  // What makes it true-sequential: a walk through the finished model meets the very inputs that each group was quantized with.
  it.each<FamilyModel>(['llama2-gqa', 'qwen2', 'qwen3'])(
    'calibrates each matrix of %s on what the quantized ones before it put out',
    async (name) => {
      const run = await runOn(name, SETTINGS);
      const { checkpoint, windows } = run;
      const { pool } = engine;
      const hidden = await embedSegments(checkpoint, windows);
      const sizes = new BatchSizes(40);
      const positions = new Positions(checkpoint.model, sizes);
      for (let block = 0; block < checkpoint.model.blocks; block++) {
        const weights = await BlockWeights.load(checkpoint, block, replaceBy(run));
        for (const stage of groupStages(checkpoint.model, positions, hidden, weights)) {
          const mark = pool.arena.mark();
          const [first] = stage.group;
          const hessian = emptyHessian(pool, matrixShape(checkpoint.model, first).columns);
          await accumulateHessian(hessian, {
            segments: hidden.segments,
            tokens: (segment) => hidden.length(segment),
            input: (segment, rows) => stage.input(segment, rows),
            sizes,
            onSegment: () => undefined,
            signal: undefined,
          });
          const originals = await Promise.all(
            stage.group.map(async (kind) => ({
              kind,
              name: matrixName(block, kind),
              rows: matrixShape(checkpoint.model, kind).rows,
              weights: await checkpoint.read(`${matrixName(block, kind)}.weight`),
              budget: matrixBudget(SETTINGS.budget, block, kind),
            })),
          );
          for (const { name: matrix, matrix: again } of await quantizeGroup(
            pool,
            hessian,
            originals,
            SETTINGS,
          )) {
            expect(again).toEqual(run.matrices.get(matrix));
          }
          pool.arena.release(mark);
          for (let segment = 0; segment < hidden.segments; segment++) stage.advance(segment);
        }
        weights.dispose();
      }
      positions.dispose();
      await checkpoint.close();
    },
  );

  it.each(FAMILY_MODELS)('goes on behind any block of %s to the very same end', async (name) => {
    const whole = await runOn(name, SETTINGS);
    const { blocks } = whole.checkpoint.model;
    await whole.checkpoint.close();
    for (let finished = 1; finished <= blocks; finished++) {
      const rest = await runOn(name, SETTINGS, (block) =>
        Promise.resolve(block < finished ? replaceBy(whole) : undefined),
      );
      await rest.checkpoint.close();
      expect(rest.results).toEqual(whole.results.filter(({ block }) => block >= finished));
      expect(rest.perplexity).toEqual(whole.perplexity);
    }
  });

  it('takes a block that is finished between others as it is, and sees what it was made with', async () => {
    const whole = await runOn('qwen3', SETTINGS);
    const another = await runOn('qwen3', { ...SETTINGS, budget: budgetForAll(budgetOfBits(2)) });
    const mixed = await runOn('qwen3', SETTINGS, (block) =>
      Promise.resolve(block === 0 ? replaceBy(another) : undefined),
    );
    const last = await runOn('qwen3', SETTINGS, (block) =>
      Promise.resolve(block === 1 ? replaceBy(whole) : undefined),
    );
    for (const { checkpoint } of [whole, another, mixed, last]) await checkpoint.close();
    const down = matrixName(1, 'down');
    expect(mixed.matrices.get(down)).not.toEqual(whole.matrices.get(down));
    expect(mixed.perplexity).not.toEqual(whole.perplexity);
    expect(last.results).toEqual(whole.results.filter(({ block }) => block === 0));
    expect(last.perplexity).toEqual(whole.perplexity);
  });

  it('counts finished blocks as work that is done, and says that they are', async () => {
    const whole = await runOn('llama', SETTINGS);
    const rest = await runOn('llama', SETTINGS, (block) =>
      Promise.resolve(block === 0 ? replaceBy(whole) : undefined),
    );
    for (const { checkpoint } of [whole, rest]) await checkpoint.close();
    const firstOf = (run: Finished, detail: RegExp): Progress | undefined =>
      run.progress.find((each) => detail.test(each.detail ?? ''));
    expect(firstOf(rest, /^block 2/)?.done).toBe(firstOf(whole, /^block 2/)?.done);
    expect(rest.progress.at(-1)).toEqual(whole.progress.at(-1));
    const details = new Set(rest.progress.map(({ detail }) => detail));
    expect([...details].filter((detail) => detail?.startsWith('block 1 of 2'))).toEqual([
      'block 1 of 2, finished before, through q, k, v',
      'block 1 of 2, finished before, through o',
      'block 1 of 2, finished before, through gate, up',
      'block 1 of 2, finished before, through down',
      'block 1 of 2, evaluation',
    ]);
    // Nothing of a finished block is quantized, so there is nothing to time.
    expect(rest.timings.map(({ hessian, quantize }) => hessian + quantize > 0)).toEqual([false, true]);
    expect(rest.timings.every(({ forward }) => forward > 0)).toBe(true);
  });

  it('depends on the calibration text', async () => {
    const checkpoint = await openCheckpoint(familyFolder('llama'));
    const { windows } = await readExpected('llama');
    const codesOf = async (segments: Int32Array[]): Promise<Uint8Array[]> => {
      const codes: Uint8Array[] = [];
      await quantizeModel({
        checkpoint,
        pool: engine.pool,
        segments,
        windows: [],
        settings: SETTINGS,
        onMatrix: ({ matrix }) => Promise.resolve(void codes.push(matrix.codes)),
      });
      return codes;
    };
    const [all, one] = [await codesOf(windows), await codesOf(windows.slice(0, 1))];
    await checkpoint.close();
    expect(all[0]).not.toEqual(one[0]);
  });

  it('stops where it is called off, with the matrices that are done', async () => {
    const checkpoint = await openCheckpoint(familyFolder('llama'));
    const { windows } = await readExpected('llama');
    const controller = new AbortController();
    const names: string[] = [];
    const run = quantizeModel({
      checkpoint,
      pool: engine.pool,
      segments: windows,
      windows,
      settings: SETTINGS,
      onMatrix: ({ name }) => {
        names.push(name);
        if (name === matrixName(1, 'o')) controller.abort();
        return Promise.resolve();
      },
      signal: controller.signal,
    });
    await expect(run).rejects.toMatchObject({ code: 'run/cancelled' });
    await checkpoint.close();
    expect(names).toEqual([
      ...MATRIX_KINDS.map((kind) => matrixName(0, kind)),
      ...(['q', 'k', 'v', 'o'] as const).map((kind) => matrixName(1, kind)),
    ]);
  });

  it('gives its memory back', async () => {
    const used = (): number[] => [engine.pool.arena.used, tf.memory().numTensors];
    const before = used();
    const run = await runOn('mistral', SETTINGS);
    await run.checkpoint.close();
    expect(used()).toEqual(before);
  });
});
