/** A run of the command in a process of its own, as a user starts it, and what its record and trace say of its phases. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { readRunRecord } from '../main/service/open-run.ts';
import type { EngineChoice, ForwardPrecision } from '../shared/engine.ts';
import type { Calibration } from './cost-model.ts';

export interface RunToMeasure {
  /** Folder of the model. */
  readonly model: string;
  readonly calibration: Calibration;
  readonly bits: number;
  readonly engine: EngineChoice;
  readonly threads: number;
  /** float32 where not given. */
  readonly precision?: ForwardPrecision;
}

/** Seconds. */
export interface MeasuredPhases {
  /** From the start of the process to its end. */
  readonly seconds: number;
  readonly forward: number;
  readonly hessian: number;
  readonly factor: number;
  /** The kernels' part: errors of the columns at each width. */
  readonly planning: number;
  /** The rest of the columns. */
  readonly loop: number;
  /** Reading, writing, and all before and after the blocks. */
  readonly rest: number;
  /** For people. */
  readonly backend: string;
}

const CLAQ = fileURLToPath(new URL('../main/cli/claq.ts', import.meta.url));

const timingSchema = z.object({ forward: z.number(), hessian: z.number(), quantize: z.number() });
const traceSchema = z.object({
  traceEvents: z.array(z.object({ name: z.string(), dur: z.number().default(0) })),
});

/** Jobs of the kernels, and the device's step, that make up a factorization. */
const FACTORING = ['arrangeBlock', 'factor', 'arrangeFactor'];

export async function measuredRun(run: RunToMeasure): Promise<MeasuredPhases> {
  const folder = await mkdtemp(join(tmpdir(), 'claq-bench-'));
  try {
    const out = join(folder, 'run');
    const trace = join(folder, 'trace.json');
    const options = {
      bits: run.bits,
      segments: run.calibration.segments,
      'segment-length': run.calibration.tokens,
      windows: 0,
      engine: run.engine,
      'forward-precision': run.precision ?? 'float32',
      threads: run.threads,
      out,
      trace,
    };
    const args = [CLAQ, 'quantize', run.model, '--no-export', '--join-documents'];
    for (const [name, value] of Object.entries(options)) args.push(`--${name}`, String(value));
    const start = performance.now();
    await promisify(execFile)(process.execPath, args);
    const seconds = (performance.now() - start) / 1000;
    const record = await readRunRecord(out);
    const { forward, hessian, quantize } = timingSchema.parse(record?.result?.timing);
    const spent = await secondsByName(trace);
    const factor = FACTORING.reduce((sum, name) => sum + spent(name), 0);
    const planning = spent('columnErrors');
    return {
      seconds,
      forward,
      hessian,
      factor,
      planning,
      loop: quantize - factor - planning,
      rest: seconds - forward - hessian - quantize,
      backend: record?.engine.backend ?? '',
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function secondsByName(trace: string): Promise<(name: string) => number> {
  const { traceEvents } = traceSchema.parse(JSON.parse(await readFile(trace, 'utf8')));
  return (name) => traceEvents.reduce((sum, event) => sum + (event.name === name ? event.dur : 0), 0) / 1e6;
}

/** A model cut off after some blocks: its own files, and a config that says fewer. */
export async function firstBlocks(source: string, blocks: number, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(source, file), join(folder, file));
  await symlink(resolve(source, 'model.safetensors'), join(folder, 'model.safetensors'));
  const config = z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(await readFile(join(source, 'config.json'), 'utf8')));
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, num_hidden_layers: blocks }));
  return folder;
}
