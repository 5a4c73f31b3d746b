/** `npm run demo`: the main job on the bundled model, from its outliers to two exported models. */
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import Table from 'cli-table3';
import { readableBytes, readableDuration } from '../../shared/readable-quantities.ts';
import type { PerplexityFigure } from '../../shared/run-record.ts';
import type { QuantizeSummary } from '../../shared/summaries.ts';
import { DEMO_MODEL } from '../service/bundled-texts.ts';
import { inEngineThread } from '../service/engine-thread/run-in-thread.ts';
import { writeInspectPage } from './inspect-page/write-page.ts';
import { type CommandHooks, runCommand } from './run-command.ts';

/** The settings of the paper's headline results. */
const BUDGETS = [2.12, 3.12];
/** Fewer segments and windows than a real run takes: enough to tell the budgets apart, and soon done. */
const SEGMENTS = 24;
const WINDOWS = 16;
/** A small model has mild outliers: at the paper's S = 13 next to none, at 5 the paper's picture. */
const OUTLIER_S = 5;

interface DemoResult {
  readonly page: string;
  readonly runs: readonly QuantizeSummary[];
}

async function runDemo(hooks: CommandHooks): Promise<DemoResult> {
  const folder = freeFolder();
  const page = join(folder, 'outliers.html');
  const inspection = await inEngineThread('inspect', { model: DEMO_MODEL, outlierS: OUTLIER_S }, hooks);
  const runs: QuantizeSummary[] = [];
  let baseline: PerplexityFigure | undefined;
  for (const bits of BUDGETS) {
    const request = {
      model: DEMO_MODEL,
      out: join(folder, String(bits)),
      budget: { bits },
      calibration: { segments: SEGMENTS },
      evaluation: { windows: WINDOWS, baseline },
      exportDtype: 'source',
    } as const;
    const summary = await inEngineThread('quantize', request, hooks);
    baseline = summary.before;
    runs.push(summary);
  }
  await writeInspectPage(page, 'demo model', inspection);
  return { page, runs };
}

/** runs/demo-1, or the next that is free. */
function freeFolder(): string {
  for (let number = 1; ; number++) {
    const folder = resolve('runs', `demo-${number}`);
    if (!existsSync(folder)) return folder;
  }
}

function describe({ page, runs }: DemoResult): string {
  const table = new Table({
    head: ['', 'perplexity', 'bits nominal', 'bits stored', 'size of the matrices', 'seconds'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  const [first] = runs;
  if (first?.before !== undefined) {
    table.push([
      'original',
      first.before.perplexity.toFixed(2),
      '16',
      '16',
      readableBytes(first.sourceBytes),
      '',
    ]);
  }
  for (const run of runs) {
    table.push([
      run.budget,
      run.after?.perplexity.toFixed(2) ?? '',
      run.nominalBits.toFixed(2),
      run.storedBits.toFixed(3),
      readableBytes(run.packedBytes),
      run.seconds.toFixed(0),
    ]);
  }
  const measured =
    first?.before === undefined
      ? ''
      : `Perplexity on ${first.before.windows} windows of ${first.before.contextLength} tokens of a text that the model was not trained on.\n`;
  const total = readableDuration(runs.reduce((sum, { seconds }) => sum + seconds, 0));
  return [
    `${table.toString()}\n${measured}`,
    `Done in ${total}. Where the outliers are, as a page for your browser:`,
    `  ${relative('.', page)}`,
    'The quantized models as Hugging Face folders, to load in Transformers or elsewhere:',
    ...runs.map(({ exportFolder }) => `  ${relative('.', exportFolder ?? '')}`),
    'The same for a model of your own: npm run claq -- quantize FOLDER --bits 2.12   (npm run claq -- --help)',
    '',
  ].join('\n');
}

process.exitCode = await runCommand('demo', { json: false }, async (hooks) => {
  const result = await runDemo(hooks);
  return { value: result, text: () => describe(result) };
});
