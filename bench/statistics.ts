/**
 * npm run bench:statistics [-- --blocks 32 --times 3]: what windows ask of a model of 7 billion weights, 224 matrices with
 * 1.1 million columns, from its statistics in the library; and how long others wait meanwhile.
 */
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRouterClient } from '@orpc/server';
import { z } from 'zod';
import { openStudio } from '../main/service/studio/studio.ts';
import { filesKey } from '../main/service/statistics/files-key.ts';
import { matricesOf } from '../main/service/statistics/column-tasks.ts';
import { openStore } from '../main/service/store/store.ts';
import { PAPER_BENEFIT_BUDGETS } from './paper-benefit-budgets.ts';
import { readableBytes } from '../shared/readable-quantities.ts';
import { quantizeChoicesSchema } from '../shared/requests.ts';
import { note, section, table } from './report.ts';
import { LLAMA_7B } from '../tests/known-models.ts';
import { fillCalibration, fillStatistics, insertModel } from './synthetic-statistics.ts';
import { seconds, timeRuns } from './timing.ts';

/** The longest that any call may keep others waiting. */
const TARGET_WAIT_SECONDS = 0.05;
const LIBRARY_FILE = 'library.sqlite';

const { values } = parseArgs({ options: { blocks: { type: 'string' }, times: { type: 'string' } } });
const { blocks, times } = z
  .object({
    blocks: z.coerce.number().int().min(1).max(100).default(LLAMA_7B.blocks),
    times: z.coerce.number().int().min(1).max(100).default(3),
  })
  .parse(values);
const description = { ...LLAMA_7B, blocks };

/** How long others wait for their turn: by the clock, and what of it this thread computes (others may have the processor). */
interface Waits {
  clock: number;
  computing: number;
}

/** Does the work, and looks each millisecond how long the last turn was. */
async function withWaits<T>(work: () => Promise<T>, longest: Waits): Promise<T> {
  let last = performance.now();
  let usage = process.threadCpuUsage();
  const look = (): void => {
    const now = performance.now();
    const { user, system } = process.threadCpuUsage(usage);
    longest.clock = Math.max(longest.clock, (now - last) / 1000);
    longest.computing = Math.max(longest.computing, (user + system) / 1e6);
    last = now;
    usage = process.threadCpuUsage();
  };
  const timer = setInterval(look, 1);
  try {
    return await work();
  } finally {
    look();
    clearInterval(timer);
  }
}

section('Statistics', `${matricesOf(description).length} matrices of the shape of Llama 2 7B`);
const folder = await mkdtemp(join(tmpdir(), 'claq-statistics-'));
try {
  const weights = join(folder, 'weights');
  await mkdir(weights);
  // Only what its files are is asked here, never what is in them.
  await writeFile(join(weights, 'model.safetensors'), '');
  const file = join(folder, LIBRARY_FILE);
  const store = openStore(file);
  const modelId = insertModel(store, weights, description);
  const known = { modelId, filesKey: await filesKey(weights) };
  const filling = await timeRuns(
    () => {
      fillStatistics(store, known, description);
      return Promise.resolve();
    },
    1,
    { warmUp: false },
  );
  note(`Filled in ${seconds(filling.median)}; the file has ${readableBytes((await stat(file)).size)}.`);
  const studio = await openStudio({ dataFolder: folder, host: 'direct' });
  const client = createRouterClient(studio.router);
  const rows: string[][] = [];
  const overall: Waits = { clock: 0, computing: 0 };
  const time = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    const longest: Waits = { clock: 0, computing: 0 };
    const first = await timeRuns(() => withWaits(work, longest), 1, { warmUp: false });
    const again = await timeRuns(() => withWaits(work, longest), times, { warmUp: false });
    overall.clock = Math.max(overall.clock, longest.clock);
    overall.computing = Math.max(overall.computing, longest.computing);
    const waits = [longest.clock, longest.computing].map(seconds);
    rows.push([name, seconds(first.median), seconds(again.median), ...waits]);
  };
  const overview = async (): Promise<void> => {
    const cancellation = new AbortController();
    for await (const event of await client.statistics.watch(
      { id: modelId },
      { signal: cancellation.signal },
    )) {
      if (event.kind === 'overview') break;
    }
    cancellation.abort();
  };
  const calls = async (suffix: string): Promise<void> => {
    await time(`statistics.orders()${suffix}`, () => client.statistics.orders({ id: modelId, s: 7 }));
    await time(`budgets.profile()${suffix}`, () => client.budgets.profile({ id: modelId, s: 7 }));
    await time(`budgets.profile() at another S${suffix}`, () =>
      client.budgets.profile({ id: modelId, s: 3 }),
    );
    await time(`budgets.benefit(), 1 budget${suffix}`, () =>
      client.budgets.benefit({ id: modelId, budgets: PAPER_BENEFIT_BUDGETS.slice(0, 1) }),
    );
    await time(`budgets.benefit(), ${PAPER_BENEFIT_BUDGETS.length} budgets${suffix}`, () =>
      client.budgets.benefit({ id: modelId, budgets: [...PAPER_BENEFIT_BUDGETS] }),
    );
    await time(`budgets.foretellColumns()${suffix}`, () =>
      client.budgets.foretellColumns({ id: modelId, budget: { bits: 2.12 }, overrides: [] }),
    );
  };
  try {
    await time('statistics.watch(), overview', overview);
    await time('statistics.matrix(), down', () =>
      client.statistics.matrix({ id: modelId, block: 0, kind: 'down' }),
    );
    await calls('');
    const runId = store.runs.insert({
      modelId,
      folder: join(folder, 'run'),
      choices: quantizeChoicesSchema.parse({}),
      method: 'claq',
      budget: '2',
      blocks,
      matricesTotal: matricesOf(description).length,
      queuedAt: '2026-01-01T00:00:00.000Z',
    });
    store.runs.setState(runId, 'cancelled', {});
    store.transaction(() => fillCalibration(store, { ...known, runId }, description));
    await calls(', calibrated');
    table(
      `Calls, once and ${times} times again`,
      ['call', 'first', 'again', 'longest wait', 'of it computing'],
      rows,
    );
    note(
      `Others wait at most ${seconds(overall.clock)}, ${seconds(overall.computing)} of it for this thread ` +
        `(target: under ${seconds(TARGET_WAIT_SECONDS)}).`,
    );
  } finally {
    await studio.close();
    store.close();
  }
} finally {
  await rm(folder, { recursive: true });
}
