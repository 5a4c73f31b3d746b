/** npm run bench:memory [-- --bits 2.12]: peak resident memory of `claq quantize` on SmolLM2-135M-Instruct, in a process of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measuredProcess } from './measured-process.ts';
import { SMOLLM2_FOLDER, missingSmollm2 } from './reference-data.ts';
import { note, section } from './report.ts';

const TARGET_BYTES = 1.5e9;
const COMMAND = new URL('../main/cli/claq.ts', import.meta.url);

/** Calibration and evaluation as in bench:quality, on the bundled texts. */
const QUANTIZE = [
  '--segments',
  '16',
  '--segment-length',
  '1024',
  '--join-documents',
  '--windows',
  '4',
  '--context',
  '2048',
];

const { values } = parseArgs({ options: { bits: { type: 'string', default: '2.12' } } });
section('Memory');
const missing = missingSmollm2();
if (missing === undefined) await benchMemory(values.bits);
else note(missing);

async function benchMemory(bits: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'claq-bench-'));
  try {
    const args = ['quantize', SMOLLM2_FOLDER, '--bits', bits, '--out', join(folder, 'run'), ...QUANTIZE];
    const { peak, seconds } = await measuredProcess(COMMAND, args);
    const ratio = (peak / TARGET_BYTES).toFixed(2);
    note(
      `Peak resident memory of claq ${args.slice(0, 1).join(' ')} --bits ${bits}: ${(peak / 1e6).toFixed(0)} MB`,
    );
    note(
      `Target ${TARGET_BYTES / 1e6} MB: ${ratio} of it. The run, evaluation and export included: ${seconds.toFixed(0)} s.`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
