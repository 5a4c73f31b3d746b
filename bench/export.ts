/**
 * npm run bench:export [-- --run FOLDER]: how fast a run is written as each format and checked, in a process of its own for each, and the
 * peak memory of that and of the whole command, which compares a perplexity too; the latter also of models that are wider.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EXPORT_TARGETS, type ExportTarget, exportFolderName } from '../shared/exports.ts';
import { readableBytes } from '../shared/readable-quantities.ts';
import { measuredProcess } from './measured-process.ts';
import { type ExportTimes, exportTimesSchema } from './export-times.ts';
import { SMOLLM2_FOLDER, missingSmollm2 } from './reference-data.ts';
import { note, section, table } from './report.ts';
import { writeSyntheticModel } from './synthetic-model.ts';
import { Times } from './timing.ts';

/** Source bytes a second of writing, on one core. */
const AIM_BYTES = 300e6;
const AIM_MEMORY = 600e6;
/** Each export as often, in turns, and every turn begins with another: what comes first after a pause waits longest for the disk. */
const RUNS = 3;

/** The proportions of LLaMA-7B, which is the last of these. */
const WIDTHS = [1024, 2048, 4096];
/** Of weights without sense the perplexity is not the same to some percent where they are rounded. */
const WIDE_TARGETS = EXPORT_TARGETS.filter(({ dtype }) => dtype !== 'q8_0');
const WIDE = { blocks: 1, vocabSize: 49_152, contextLength: 2048 };

const CLAQ = new URL('../main/cli/claq.ts', import.meta.url);

const { values } = parseArgs({ options: { run: { type: 'string' } } });
section('Exports');
const missing = missingSmollm2();
if (values.run !== undefined) await benchExports(values.run);
else if (missing === undefined) await benchNewRun();
else note(missing);

async function benchNewRun(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'claq-bench-'));
  try {
    const run = join(folder, 'run');
    note('A run of SmolLM2-135M at 2.12 bits first: minutes.');
    await makeRun(SMOLLM2_FOLDER, run);
    await benchExports(run);
    await benchWidths(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A run whose quality does not matter: as few texts as there can be. */
async function makeRun(model: string, out: string): Promise<void> {
  const quick = ['--segments', '1', '--segment-length', '128', '--windows', '0', '--no-export'];
  await measuredProcess(CLAQ, ['quantize', model, '--bits', '2.12', '--out', out, ...quick]);
}

/** The command's memory where a block grows: of a model with one. */
async function benchWidths(folder: string): Promise<void> {
  const rows: string[][] = [];
  for (const width of WIDTHS) {
    const [model, run] = [join(folder, `model-${width}`), join(folder, `run-${width}`)];
    const heads = width / 128;
    const shape = { ...WIDE, hiddenSize: width, ffnSize: (width * 43) / 16, heads, kvHeads: heads };
    await writeSyntheticModel(model, shape, SMOLLM2_FOLDER);
    await makeRun(model, run);
    const peaks = await peaksOfCommand(run, WIDE_TARGETS);
    const weights = 4 * width * width + 3 * width * shape.ffnSize;
    rows.push([
      `${width}`,
      megabytes(4 * weights),
      ...WIDE_TARGETS.map((target) => megabytes(peaks.get(exportFolderName(target)) ?? NaN)),
    ]);
    for (const each of [model, run]) await rm(each, { recursive: true });
  }
  table(
    "Peak memory of the command with one block of LLaMA's proportions",
    ['width', 'block in float32', ...WIDE_TARGETS.map(exportFolderName)],
    rows,
  );
}

async function benchExports(run: string): Promise<void> {
  const program = new URL('./export-process.ts', import.meta.url);
  const measured = EXPORT_TARGETS.map((target) => ({
    target,
    times: [] as ExportTimes[],
    peaks: [] as number[],
  }));
  for (let round = 0; round < RUNS; round++) {
    for (const { target, times, peaks } of [...measured.slice(round), ...measured.slice(0, round)]) {
      const { output, peak } = await measuredProcess(program, [run, target.format, target.dtype]);
      times.push(exportTimesSchema.parse(JSON.parse(output)));
      peaks.push(peak);
    }
  }
  const commandPeaks = await peaksOfCommand(run);
  const rows = measured.map(({ target, times, peaks }) => {
    const bytes = times[0]?.sourceBytes ?? 0;
    const taken = (seconds: (each: ExportTimes) => number): Times => new Times(times.map(seconds));
    const rate = (seconds: number): string => (bytes / seconds / 1e6).toFixed(0);
    const writing = taken(({ write }) => write);
    return [
      exportFolderName(target),
      readableBytes(times[0]?.writtenBytes ?? 0),
      `${rate(writing.median)} MB/s (${rate(writing.sorted.at(-1) ?? NaN)} to ${rate(writing.best)})`,
      (bytes / writing.median / AIM_BYTES).toFixed(2),
      `${rate(taken(({ verify }) => verify).median)} MB/s`,
      `${rate(taken(({ sums }) => sums).median)} MB/s`,
      `${rate(taken(({ write, verify, sums }) => write + verify + sums).median)} MB/s`,
      megabytes(Math.max(...peaks)),
      megabytes(commandPeaks.get(exportFolderName(target)) ?? NaN),
    ];
  });
  table(
    `Source bytes a second on one thread, medians of ${RUNS} (aim: writing at ${AIM_BYTES / 1e6} MB/s, ${AIM_MEMORY / 1e6} MB of memory)`,
    [
      'export',
      'written',
      'writing',
      'of the aim',
      'comparing',
      'sums',
      'all',
      'peak memory',
      'of the command',
    ],
    rows,
  );
}

/** Of `claq export`, by the name of what it writes. */
async function peaksOfCommand(
  run: string,
  targets: readonly ExportTarget[] = EXPORT_TARGETS,
): Promise<ReadonlyMap<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), 'claq-bench-'));
  const peaks = new Map<string, number>();
  try {
    for (const target of targets) {
      const name = exportFolderName(target);
      const dtype = target.dtype === 'source' ? [] : ['--dtype', target.dtype];
      const out = join(folder, name);
      const { peak } = await measuredProcess(CLAQ, [
        'export',
        run,
        '--to',
        target.format,
        ...dtype,
        '--out',
        out,
      ]);
      peaks.set(name, peak);
      await rm(out, { recursive: true });
    }
    return peaks;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
