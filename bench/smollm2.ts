/** SmolLM2-135M-Instruct on the tokens of the authors' runs, beside their figures. */
import type { Checkpoint } from '../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../main/engine/checkpoint/open-checkpoint.ts';
import type { ColumnOrder } from '../shared/method.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { openCorpus } from '../main/engine/text/corpus.ts';
import { loadTokenizer } from '../main/engine/text/tokenizer.ts';
import { evaluationWindows } from '../main/engine/text/windows.ts';
import { checkForwardPass } from './forward-check.ts';
import { readIntegerRows } from './npy.ts';
import { SMOLLM2_FOLDER, referenceFile } from './reference-data.ts';
import { note, table } from './report.ts';
import {
  type BenchModel,
  type BenchSetting,
  benchSetting,
  originalPerplexity,
  settingLabel,
} from './whole-model.ts';

const SEGMENTS = 16;
const WINDOWS = 4;
const CONTEXT = 2048;

/** Perplexity and stored bits of the authors' code on the same tokens, and what ours is to reach. */
const THEIRS: Readonly<
  Record<string, { readonly perplexity: number; readonly stored: number; readonly target: number }>
> = {
  '2.12': { perplexity: 250.6, stored: 2.45, target: 111 },
  '3.12': { perplexity: 60.73, stored: 3.542, target: 57 },
  '4': { perplexity: 45.45, stored: 4.372, target: 45 },
};
const THEIR_ORIGINAL = 41.24;

/** SmolLM2 and the tokens of the authors' runs, and what a table of them is called. */
export async function onSmollm2(
  pool: KernelPool,
  work: (model: BenchModel, title: string) => Promise<void>,
): Promise<void> {
  const checkpoint = await openCheckpoint(SMOLLM2_FOLDER);
  try {
    const windows = await evaluationTokens(checkpoint);
    const segments = (await readIntegerRows(referenceFile('calib_ids_32x1024.npy'))).slice(0, SEGMENTS);
    await work(
      { checkpoint, pool, segments, windows },
      `SmolLM2-135M-Instruct, ${SEGMENTS} x 1024 calibration tokens, ${WINDOWS} windows of ${CONTEXT}`,
    );
  } finally {
    await checkpoint.close();
  }
}

/** @param bits which of 2.12, 3.12, 4 (or others); @param orders for those that spend bits by column */
export async function benchSmollm2(
  pool: KernelPool,
  bits: readonly number[],
  orders: readonly ColumnOrder[],
): Promise<void> {
  await onSmollm2(pool, async (model, title) => {
    await checkForwardPass(model.checkpoint, model.windows);
    const rows = [
      ['original', '16', '', perplexity(await originalPerplexity(model)), String(THEIR_ORIGINAL), '', '', ''],
    ];
    for (const setting of settings(bits, orders)) {
      const theirs = THEIRS[setting.widths === undefined ? String(setting.bits) : '4'];
      const result = await benchSetting(model, setting);
      rows.push([
        settingLabel(setting),
        result.stored.toFixed(3),
        theirs?.stored.toFixed(3) ?? '',
        perplexity(result.perplexity),
        theirs === undefined ? '' : String(theirs.perplexity),
        theirs === undefined ? '' : String(theirs.target),
        result.loss?.toPrecision(5) ?? '',
        result.seconds.toFixed(0),
      ]);
    }
    table(
      title,
      ['setting', 'stored bits', 'theirs', 'perplexity', 'theirs', 'target', 'loss', 'seconds'],
      rows,
    );
    note(`Peak memory of this process: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
  });
}

/** Stays below the authors' stored bits at 4: every column at 4 bits leaves nothing to spend where it pays. */
const MIXED_FOUR: BenchSetting = { method: 'claq', bits: 3.92, order: 'benefit', widths: [3, 5] };

function settings(bits: readonly number[], orders: readonly ColumnOrder[]): BenchSetting[] {
  const asked = bits.flatMap((each) =>
    (Number.isInteger(each) ? orders.slice(0, 1) : orders).map((order) => ({
      method: 'claq' as const,
      bits: each,
      order,
    })),
  );
  return bits.includes(4) && orders.includes('benefit') ? [...asked, MIXED_FOUR] : asked;
}

async function evaluationTokens(checkpoint: Checkpoint): Promise<readonly Int32Array[]> {
  const tokenizer = await loadTokenizer(checkpoint);
  const corpus = await openCorpus([referenceFile('eval-a.txt')]);
  return (await evaluationWindows(corpus, tokenizer, { length: CONTEXT, limit: WINDOWS })).windows;
}

function perplexity(value: number): string {
  return value.toFixed(2);
}
