/** How fast a whole model is measured from files that the system holds in memory. */
import { openCheckpoint } from '../main/engine/checkpoint/open-checkpoint.ts';
import { analyseModel } from '../main/engine/inspect/analyse-columns.ts';
import { measureModel } from '../main/engine/inspect/measure-columns.ts';
import { storedBytes } from '../main/engine/inspect/stored-matrix.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { MATRIX_KINDS } from '../shared/model.ts';
import { SMOLLM2_FOLDER } from './reference-data.ts';
import { note, table } from './report.ts';
import { readRate } from './column-statistics.ts';
import { timeRuns } from './timing.ts';

/** Bytes that a plain read goes over: more than the caches hold. */
const PLAIN_BYTES = 2 ** 28;

/** @param analyse whether every column's codebooks are fitted as well, which takes far longer */
export async function benchInspection(
  pools: readonly KernelPool[],
  { runs, analyse }: { readonly runs: number; readonly analyse: boolean },
): Promise<void> {
  const checkpoint = await openCheckpoint(SMOLLM2_FOLDER);
  try {
    const { blocks } = checkpoint.model;
    const bytes = Array.from({ length: blocks }, (_, block) =>
      MATRIX_KINDS.map((kind) => storedBytes(checkpoint, { block, kind })),
    )
      .flat()
      .reduce((sum, each) => sum + each, 0);
    const plain = await readRate(PLAIN_BYTES, runs);
    const rows: string[][] = [];
    for (const pool of pools) {
      const times = await timeRuns(() => measureModel(pool, checkpoint, { onMatrix: () => undefined }), runs);
      const rate = bytes / times.best;
      const threads = `${pool.threads} thread${pool.threads === 1 ? '' : 's'}`;
      rows.push([threads, times.toString(), (rate / 1e9).toFixed(2), (rate / plain).toFixed(2)]);
    }
    const title = `SmolLM2-135M, ${(bytes / 1e6).toFixed(0)} MB in ${blocks * MATRIX_KINDS.length} matrices`;
    table(title, ['measured from its file', 'seconds', 'GB/s', 'of a plain read'], rows);
    const pool = pools.at(-1);
    if (!analyse || pool === undefined) return;
    const walk = (): Promise<void> => analyseModel(pool, checkpoint, { onMatrix: () => undefined });
    note(`Analysed: ${(await timeRuns(walk, 1, { warmUp: false })).toString()}, ${pool.threads} threads`);
  } finally {
    await checkpoint.close();
  }
}
