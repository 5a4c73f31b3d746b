/** npm run bench:library [-- --models 200 --runs 2000 --times 20]: what a large library takes to open and to list. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Store, openStore } from '../main/service/store/store.ts';
import type { ModelId } from '../shared/library.ts';
import { MATRIX_KINDS, matrixShape, quantizedWeights } from '../shared/model.ts';
import { readableBytes } from '../shared/readable-quantities.ts';
import { quantizeChoicesSchema } from '../shared/requests.ts';
import type { MatrixResult, PerplexityFigure } from '../shared/run-record.ts';
import { SMOLLM2 } from '../tests/known-models.ts';
import { note, section, table } from './report.ts';
import { type Times, seconds, timeRuns } from './timing.ts';

/** For either list. */
const TARGET_SECONDS = 0.1;

const options = z.object({
  models: z.coerce.number().int().min(1).max(10_000).default(200),
  runs: z.coerce.number().int().min(1).max(100_000).default(2000),
  times: z.coerce.number().int().min(1).max(1000).default(20),
});

const { values } = parseArgs({
  options: { models: { type: 'string' }, runs: { type: 'string' }, times: { type: 'string' } },
});
const { models, runs, times } = options.parse(values);

const CREATED = '2026-01-01T00:00:00.000Z';
/** One run in so many was cancelled before its end. */
const CANCELLED_EVERY = 10;

const PERPLEXITY: PerplexityFigure = {
  perplexity: 14.9,
  meanNll: 2.7,
  protocol: 'gptq',
  windows: 16,
  contextLength: 2048,
  tokens: 32_752,
  text: '/home/user/claq/resources/texts/evaluation.txt',
  textSha256: '0'.repeat(64),
  engine: 'TensorFlow 2.21.0 on the CPU',
  forwardPrecision: 'float32',
};

const MATRICES: readonly MatrixResult[] = Array.from({ length: SMOLLM2.blocks }, (_, block) =>
  MATRIX_KINDS.map((kind) => {
    const { rows, columns } = matrixShape(SMOLLM2, kind);
    return {
      block,
      kind,
      rows,
      columns,
      bytes: (rows * columns) >> 2,
      loss: 123.456,
      outlierRatio: 0.0001,
      damping: 0.01,
      classes: [
        { width: 2, reserved: 6, columns: columns - 60 },
        { width: 4, reserved: 18, columns: 60 },
      ],
    };
  }),
).flat();

function fill(store: Store): void {
  const modelIds = Array.from({ length: models }, (_, number) =>
    store.models.insert({
      name: `SmolLM2-135M-${number}`,
      folder: `/home/user/models/SmolLM2-135M-${number}`,
      source: { kind: 'folder' },
      addedAt: CREATED,
      description: SMOLLM2,
      parameters: 134_515_008,
      quantizedWeights: quantizedWeights(SMOLLM2),
      bytes: 269_060_552,
      dtype: 'BF16',
      quantized: null,
    }),
  );
  for (let number = 0; number < runs; number++) {
    const modelId = modelIds[number % modelIds.length];
    if (modelId !== undefined) addRun(store, modelId, number);
  }
}

function addRun(store: Store, modelId: ModelId, number: number): void {
  const run = store.runs.insert({
    modelId,
    folder: `/home/user/runs/SmolLM2-135M-2.12-${number}`,
    choices: quantizeChoicesSchema.parse({ budget: { bits: 2.12 } }),
    method: 'claq',
    budget: '2.12 (AP 2.05 of {2,4} + OR 0.07)',
    blocks: SMOLLM2.blocks,
    matricesTotal: MATRICES.length,
    queuedAt: CREATED,
  });
  store.runs.setState(run, 'running', { startedAt: CREATED, engine: 'TensorFlow 2.21.0 on the CPU' });
  store.runs.addNote(run, { at: CREATED, line: 'TensorFlow 2.21.0 on the CPU' });
  store.runs.saveMatrices(run, MATRICES);
  if (number % CANCELLED_EVERY === 0) {
    store.runs.setState(run, 'cancelled', { endedAt: CREATED });
    return;
  }
  const figures = {
    nominalBits: 2.12,
    storedBits: 2.41,
    weights: quantizedWeights(SMOLLM2),
    sourceBytes: 269_060_552,
    packedBytes: 32_000_000,
    loss: 25_925.8,
    before: PERPLEXITY,
    after: { ...PERPLEXITY, perplexity: 20.1, meanNll: 3 },
    seconds: 600,
    sessions: 1,
    timing: { forward: 200, hessian: 100, loop: 250 },
  };
  store.runs.complete(run, figures, CREATED);
}

function inOneTransaction(store: Store, work: (store: Store) => void): Promise<void> {
  store.transaction(() => {
    work(store);
  });
  return Promise.resolve();
}

function milliseconds(time: number): string {
  return (time * 1000).toFixed(1);
}

section('Library', `${models} models, ${runs} runs of ${MATRICES.length} matrices`);
const folder = await mkdtemp(join(tmpdir(), 'claq-library-'));
const file = join(folder, 'library.sqlite');
try {
  const made = openStore(file);
  const filling = await timeRuns(() => inOneTransaction(made, fill), 1, { warmUp: false });
  made.close();
  note(`Filled in ${seconds(filling.median)}; the file has ${readableBytes((await stat(file)).size)}.`);
  const rows: string[][] = [];
  const time = async (name: string, work: () => unknown): Promise<Times> => {
    const taken = await timeRuns(() => Promise.resolve(work()), times);
    rows.push([
      name,
      milliseconds(taken.median),
      `${milliseconds(taken.best)} to ${milliseconds(taken.sorted.at(-1) ?? NaN)}`,
    ]);
    return taken;
  };
  await time('open and close', () => openStore(file).close());
  const store = openStore(file);
  try {
    const lists = [
      await time('models.list()', () => store.models.list()),
      await time('runs.list()', () => store.runs.list()),
    ];
    const [model] = store.models.list();
    const [run] = store.runs.list();
    if (model !== undefined) await time('runs.list(one model)', () => store.runs.list(model.id));
    if (run !== undefined) await time('runs.get()', () => store.runs.get(run.id));
    table(`Calls, ${times} times each`, ['call', 'median (ms)', 'best to worst'], rows);
    const worst = Math.max(...lists.map(({ median }) => median));
    note(`The slower of the two lists takes ${seconds(worst)} (target: under ${seconds(TARGET_SECONDS)}).`);
  } finally {
    store.close();
  }
} finally {
  await rm(folder, { recursive: true });
}
