/** npm run bench:inspect [-- --size 4096 --runs 15 --analyse] */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { benchStatistics } from './column-statistics.ts';
import { benchInspection } from './inspected-model.ts';
import { missingSmollm2 } from './reference-data.ts';
import { note, section } from './report.ts';

/** A matrix that the caches hold, measured so often that some runs are not interrupted on a machine that others use too. */
const SMALL = 512;
const SMALL_RUNS = 1000;

const options = z.object({
  size: z.coerce.number().int().min(64).max(16_384).default(4096),
  runs: z.coerce.number().int().min(1).max(1000).default(15),
  analyse: z.boolean().default(false),
});

const { values } = parseArgs({
  options: { size: { type: 'string' }, runs: { type: 'string' }, analyse: { type: 'boolean' } },
});
const { size, runs, analyse } = options.parse(values);
section('Column statistics', 'Rates are those of the fastest run, in GB of stored weights a second.');
const pools = [await KernelPool.start({ threads: 1 }), await KernelPool.start()];
await benchStatistics(pools, SMALL, SMALL_RUNS);
await benchStatistics(pools, size, runs);
const missing = missingSmollm2();
if (missing === undefined) await benchInspection(pools, { runs, analyse });
else note(missing);
for (const pool of pools) await pool.stop();
