/**
 * npm run bench:export [-- --run FOLDER]: how fast a run is written as each format and checked, and the peak memory of that, in a process
 * of its own for each.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EXPORT_TARGETS, exportFolderName } from '../shared/exports.ts';
import { readableBytes } from '../shared/readable-quantities.ts';
import { measuredProcess } from './measured-process.ts';
import { exportTimesSchema } from './export-times.ts';
import { SMOLLM2_FOLDER, missingSmollm2 } from './reference-data.ts';
import { note, section, table } from './report.ts';

/** Source bytes a second of writing, on one core. */
const AIM_BYTES = 300e6;
const AIM_MEMORY = 600e6;

const { values } = parseArgs({ options: { run: { type: 'string' } } });
section('Exports');
const missing = missingSmollm2();
if (values.run !== undefined) await benchExports(values.run);
else if (missing === undefined) await benchNewRun();
else note(missing);

/** A run whose quality does not matter: as few texts as there can be. */
async function benchNewRun(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'claq-bench-'));
  try {
    const out = join(folder, 'run');
    const command = new URL('../main/cli/claq.ts', import.meta.url);
    const quick = ['--segments', '1', '--segment-length', '128', '--windows', '0', '--no-export'];
    note('A run of SmolLM2-135M at 2.12 bits first: minutes.');
    await measuredProcess(command, ['quantize', SMOLLM2_FOLDER, '--bits', '2.12', '--out', out, ...quick]);
    await benchExports(out);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function benchExports(run: string): Promise<void> {
  const rows: string[][] = [];
  for (const target of EXPORT_TARGETS) {
    const process = new URL('./export-process.ts', import.meta.url);
    const { output, peak } = await measuredProcess(process, [run, target.format, target.dtype]);
    const { sourceBytes, writtenBytes, write, verify, sums } = exportTimesSchema.parse(JSON.parse(output));
    const rate = (seconds: number): string => `${(sourceBytes / seconds / 1e6).toFixed(0)} MB/s`;
    rows.push([
      exportFolderName(target),
      readableBytes(writtenBytes),
      rate(write),
      (sourceBytes / write / AIM_BYTES).toFixed(2),
      rate(verify),
      rate(sums),
      rate(write + verify + sums),
      `${(peak / 1e6).toFixed(0)} MB`,
    ]);
  }
  table(
    `Source bytes a second on one thread (aim: writing at ${AIM_BYTES / 1e6} MB/s, ${AIM_MEMORY / 1e6} MB of memory)`,
    ['export', 'written', 'writing', 'of the aim', 'comparing', 'sums', 'all', 'peak memory'],
    rows,
  );
}
