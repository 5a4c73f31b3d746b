/**
 * npm run bench:predicted-loss [-- --segments 4 --length 512 --s 13 --blocks 30]: how well the loss that an analysis of the weights foretells
 * puts budgets in order. SmolLM2-135M-Instruct is quantized under each of them, by Outlier Order and by benefit: an hour of a
 * small machine.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { Checkpoint } from '../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../main/engine/checkpoint/open-checkpoint.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { quantizeModel } from '../main/engine/run.ts';
import { startEngine } from '../main/engine/start-engine.ts';
import { loadTokenizer } from '../main/engine/text/tokenizer.ts';
import { calibrationSegments } from '../main/service/texts.ts';
import { budgetParts } from '../shared/budget-presets.ts';
import type { GroupCalibration } from '../shared/calibration.ts';
import { presetBudgets } from '../shared/loss-curve.ts';
import type { ColumnOrder } from '../shared/method.ts';
import { type ModelBudget, budgetForAll, describeModelBudget } from '../shared/model-budget.ts';
import { quantizedWeights } from '../shared/model.ts';
import { plannedPackedBytes } from '../shared/planned-bytes.ts';
import { type LossSource, predictedLoss } from '../shared/predicted-loss.ts';
import { rankCorrelation } from '../shared/rank-correlation.ts';
import { requestedBudget } from '../shared/requested-budget.ts';
import { analysedModel, lossSource } from './analysed-model.ts';
import { SMOLLM2_FOLDER, missingSmollm2 } from './reference-data.ts';
import { note, section, table } from './report.ts';
import { seconds } from './timing.ts';

/** Of predicted and true losses over the budgets. */
const TARGET_CORRELATION = 0.9;

const { values } = parseArgs({
  options: {
    segments: { type: 'string' },
    length: { type: 'string' },
    s: { type: 'string' },
    blocks: { type: 'string' },
  },
});
const options = z
  .object({
    segments: z.coerce.number().int().min(1).max(128).default(4),
    length: z.coerce.number().int().min(16).max(8192).default(512),
    s: z.coerce.number().gt(0).max(1000).default(13),
    /** The first so many alone; without it all. */
    blocks: z.coerce.number().int().min(1).max(30).optional(),
  })
  .parse(values);

/** The paper's settings, OR alone, and a budget with overrides. */
const BUDGETS: readonly ModelBudget[] = [
  ...presetBudgets(),
  budgetForAll(requestedBudget({ bits: 2, orBits: 0.14 })),
  {
    base: requestedBudget({ bits: 2.5 }),
    overrides: [
      { layers: undefined, matrices: ['v', 'down'], budget: requestedBudget({ bits: 3.12 }) },
      { layers: [{ from: 0, to: 1 }], matrices: undefined, budget: requestedBudget({ bits: 4 }) },
    ],
  },
];

interface Bench {
  readonly checkpoint: Checkpoint;
  readonly pool: KernelPool;
  readonly segments: readonly Int32Array[];
}

interface TrueLoss {
  readonly budget: ModelBudget;
  readonly order: ColumnOrder;
  readonly loss: number;
}

/** @param onCalibration hears of each group's calibration */
async function quantize(
  { checkpoint, pool, segments }: Bench,
  budget: ModelBudget,
  order: ColumnOrder,
  onCalibration: (calibration: GroupCalibration) => void,
): Promise<TrueLoss> {
  let loss = 0;
  const start = performance.now();
  await quantizeModel({
    checkpoint,
    pool,
    segments,
    windows: [],
    settings: {
      method: 'claq',
      budget,
      outlierS: options.s,
      columnOrder: order,
      codebookFit: 'kept',
      groupSize: undefined,
      percdamp: 0.01,
      actOrder: true,
      seed: 0,
    },
    onMatrix: ({ matrix }) => {
      loss += matrix.loss;
      return Promise.resolve();
    },
    onCalibration,
  });
  const took = (performance.now() - start) / 1000;
  note(`${describeModelBudget(budget)}, ${order}: loss ${loss.toPrecision(5)}, ${seconds(took)}`);
  return { budget, order, loss };
}

/** The model as if it had no more blocks. */
function firstBlocks(checkpoint: Checkpoint, blocks = checkpoint.model.blocks): Checkpoint {
  const { path, folder, companions, quantized, sourceFiles, tensors, extras, shards, sharded } = checkpoint;
  return {
    path,
    folder,
    companions,
    quantized,
    sourceFiles,
    tensors,
    extras,
    shards,
    sharded,
    model: { ...checkpoint.model, blocks },
    read: (name) => checkpoint.read(name),
    readRows: (name, from, to) => checkpoint.readRows(name, from, to),
    readBytes: (name, from, to) => checkpoint.readBytes(name, from, to),
    readInto: (name, target) => checkpoint.readInto(name, target),
    close: () => checkpoint.close(),
  };
}

/** Where all columns are alike there is no order: one run is both. */
function isAlike({ base, overrides }: ModelBudget): boolean {
  return budgetParts(base) === 'single' && overrides.length === 0;
}

function print(
  bench: Bench,
  order: ColumnOrder,
  losses: readonly TrueLoss[],
  sources: readonly LossSource[],
): void {
  const { model } = bench.checkpoint;
  const ofOrder = losses.filter((each) => each.order === order || isAlike(each.budget));
  const foretold = sources.map((source) =>
    ofOrder.map(({ budget }) => predictedLoss(source, model, budget, order)?.total ?? NaN),
  );
  table(
    `Loss under ${ofOrder.length} budgets, columns by ${order === 'outlier' ? 'Outlier Order' : 'benefit'}`,
    ['budget', 'stored bits', 'true', 'foretold by weights', 'foretold, weighted by D'],
    ofOrder.map(({ budget, loss }, place) => {
      const bits = (8 * plannedPackedBytes(model, { method: 'claq', budget })) / quantizedWeights(model);
      const figures = [loss, ...foretold.map((each) => each[place] ?? NaN)];
      return [
        describeModelBudget(budget),
        bits.toFixed(3),
        ...figures.map((figure) => figure.toPrecision(4)),
      ];
    }),
  );
  const truth = ofOrder.map(({ loss }) => loss);
  const [weights = NaN, calibrated = NaN] = foretold.map((each) => rankCorrelation(each, truth));
  note(
    `Rank correlation with the true loss: ${weights.toFixed(3)} by the weights alone, ${calibrated.toFixed(3)} weighted (target: ${TARGET_CORRELATION}).`,
  );
}

section(
  'Predicted loss',
  `${options.blocks ?? 'all'} blocks, ${options.segments} segments of ${options.length} tokens, S = ${options.s}`,
);
const missing = missingSmollm2();
if (missing === undefined) {
  const engine = await startEngine();
  const checkpoint = firstBlocks(await openCheckpoint(SMOLLM2_FOLDER), options.blocks);
  try {
    const { pool } = engine;
    const start = performance.now();
    const analysed = await analysedModel(pool, checkpoint, options.s);
    note(`Measured and analysed in ${seconds((performance.now() - start) / 1000)}.`);
    const tokenizer = await loadTokenizer(checkpoint);
    const { segments } = await calibrationSegments(
      checkpoint.model,
      tokenizer,
      { segments: options.segments, segmentLength: options.length, seed: 0, joinDocuments: true },
      {},
    );
    const bench = { checkpoint, pool, segments };
    const losses: TrueLoss[] = [];
    const calibration: GroupCalibration[] = [];
    for (const budget of BUDGETS) {
      const orders: readonly ColumnOrder[] = isAlike(budget) ? ['outlier'] : ['outlier', 'benefit'];
      for (const order of orders) {
        // As in the window: what one run has calibrated serves all budgets.
        const first = losses.length === 0;
        losses.push(
          await quantize(bench, budget, order, (each) => {
            if (first) calibration.push(each);
          }),
        );
      }
    }
    const sources = [undefined, calibration].map((each) => lossSource(analysed, each, BUDGETS));
    for (const order of ['outlier', 'benefit'] as const) print(bench, order, losses, sources);
  } finally {
    await checkpoint.close();
    await engine.stop();
  }
} else note(missing);
