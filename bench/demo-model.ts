/** The demo model under every setting and baseline, on the texts that come with it. */
import { openCheckpoint } from '../main/engine/checkpoint/open-checkpoint.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { openCorpus } from '../main/engine/text/corpus.ts';
import { drawSegments } from '../main/engine/text/segments.ts';
import { loadTokenizer } from '../main/engine/text/tokenizer.ts';
import { evaluationWindows } from '../main/engine/text/windows.ts';
import { BUNDLED_CALIBRATION, BUNDLED_EVALUATION, DEMO_MODEL } from '../main/service/bundled-texts.ts';
import { table } from './report.ts';
import {
  type BenchModel,
  type BenchSetting,
  benchSetting,
  originalPerplexity,
  settingLabel,
} from './whole-model.ts';

const SEGMENTS = 64;
const WINDOWS = 64;
const LENGTH = 512;

const SETTINGS: readonly BenchSetting[] = [
  { method: 'claq', bits: 2, order: 'benefit' },
  { method: 'claq', bits: 2.12, order: 'outlier' },
  { method: 'claq', bits: 2.12, order: 'benefit' },
  { method: 'claq', bits: 3, order: 'benefit' },
  { method: 'claq', bits: 3.12, order: 'outlier' },
  { method: 'claq', bits: 3.12, order: 'benefit' },
  { method: 'claq', bits: 4, order: 'benefit' },
  { method: 'reference', bits: 2.12, order: 'outlier' },
  { method: 'gptq', bits: 3, order: 'outlier' },
  { method: 'gptq', bits: 4, order: 'outlier' },
  { method: 'rtn', bits: 3, order: 'outlier' },
  { method: 'rtn', bits: 4, order: 'outlier' },
];

/** The demo model and its texts, and what a table of them is called. */
export async function onDemoModel(
  pool: KernelPool,
  work: (model: BenchModel, title: string) => Promise<void>,
): Promise<void> {
  const checkpoint = await openCheckpoint(DEMO_MODEL);
  try {
    const tokenizer = await loadTokenizer(checkpoint);
    const { segments } = await drawSegments(await openCorpus([BUNDLED_CALIBRATION]), tokenizer, {
      segments: SEGMENTS,
      length: LENGTH,
      seed: 0,
      documents: 'separate',
    });
    const { windows } = await evaluationWindows(await openCorpus([BUNDLED_EVALUATION]), tokenizer, {
      length: LENGTH,
      limit: WINDOWS,
    });
    await work(
      { checkpoint, pool, segments, windows },
      `Demo model, ${SEGMENTS} x ${LENGTH} calibration tokens, ${windows.length} windows of ${LENGTH}`,
    );
  } finally {
    await checkpoint.close();
  }
}

export async function benchDemoModel(pool: KernelPool): Promise<void> {
  await onDemoModel(pool, async (model, title) => {
    const rows = [['original', '16', '16', (await originalPerplexity(model)).toFixed(3), '', '']];
    for (const setting of SETTINGS) {
      const { nominal, stored, perplexity, loss, seconds } = await benchSetting(model, setting);
      const figures = [nominal.toFixed(2), stored.toFixed(3), perplexity.toFixed(3)];
      rows.push([settingLabel(setting), ...figures, loss?.toPrecision(5) ?? '', seconds.toFixed(1)]);
    }
    table(title, ['setting', 'nominal bits', 'stored bits', 'perplexity', 'loss', 'seconds'], rows);
  });
}
