/** Whole runs of the service, from a model folder to the result on disk, and what they are measured against. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { openCheckpoint } from '../main/engine/checkpoint/open-checkpoint.ts';
import { startEngine } from '../main/engine/start-engine.ts';
import type { EngineChoice, ForwardPrecision } from '../shared/engine.ts';
import { MATRIX_KINDS, type ModelDescription, matrixName, matrixShape } from '../shared/model.ts';
import { firstBlocks, measuredRun } from './measured-run.ts';
import { SMOLLM2_FOLDER } from './reference-data.ts';
import { note, table } from './report.ts';
import { scikitFits } from './scikit-learn.ts';
import { Times, seconds, timeRuns } from './timing.ts';

export interface WholeRun {
  readonly bits: number;
  readonly segments: number;
  readonly segmentLength: number;
  /** Blocks of the model that are used. */
  readonly blocks: number;
  readonly threads: number;
}

interface MeasuredRun {
  readonly seconds: number;
  readonly forward: number;
  readonly hessian: number;
  /** Factorization, planning and the loop. */
  readonly quantize: number;
  /** The column loop with its codebooks. */
  readonly loop: number;
  readonly backend: string;
}

/** Each engine on the same model and tokens, in one process, one after another. */
export async function benchEngines(
  run: WholeRun,
  engines: readonly EngineChoice[],
  precisions: readonly ForwardPrecision[],
): Promise<void> {
  const rows: string[][] = [];
  const measured: MeasuredRun[] = [];
  const checkpoint = await openCheckpoint(SMOLLM2_FOLDER);
  await checkpoint.close();
  const flops = productFlops(checkpoint.model, run);
  for (const engine of engines) {
    const rate = await productRate(run, engine);
    for (const precision of engine === 'wasm' ? (['float32'] as const) : precisions) {
      const result = await wholeRun(run, engine, precision);
      measured.push(result);
      rows.push([
        `${result.backend}, ${precision}`,
        ...figures(result),
        shareOfProducts(flops, rate, result),
      ]);
    }
  }
  table(
    `SmolLM2-135M, ${run.blocks} blocks, ${run.bits} bits, ${run.segments} x ${run.segmentLength} tokens, ${run.threads} threads: seconds`,
    ['engine', 'whole run', 'forward', 'Hessians', 'columns', "of the engine's matMul rate"],
    rows,
  );
  const fastest = measured.reduce((best, each) => (each.quantize < best.quantize ? each : best));
  await compareFits(run, fastest);
}

/** Seconds against blocks and against segments, and how many a token and block takes. */
export async function benchGrowth(run: WholeRun, engine: EngineChoice): Promise<void> {
  const cases = [
    ...[2, 4, 8].map((blocks) => ({ ...run, blocks })),
    ...[8, 16, 32].map((segments) => ({ ...run, blocks: 4, segments })),
  ];
  const rows: string[][] = [];
  for (const each of cases) {
    const result = await wholeRun(each, engine, 'float32');
    const tokens = each.segments * each.segmentLength;
    const work = ((result.forward + result.hessian) * 1e6) / (tokens * each.blocks);
    rows.push([
      `${each.blocks} blocks, ${each.segments} segments`,
      ...figures(result),
      work.toFixed(1),
      ((result.quantize * 1e3) / each.blocks).toFixed(0),
    ]);
  }
  table(
    'How time grows',
    ['run', 'whole run', 'forward', 'Hessians', 'columns', 'us a token and block', 'ms of columns a block'],
    rows,
  );
}

function figures({ seconds: whole, forward, hessian, quantize }: MeasuredRun): string[] {
  return [whole, forward, hessian, quantize].map((value) => value.toFixed(1));
}

/** SmolLM2, or some of its blocks. */
async function wholeRun(
  { bits, segments, segmentLength, blocks, threads }: WholeRun,
  engine: EngineChoice,
  precision: ForwardPrecision,
): Promise<MeasuredRun> {
  const folder = await mkdtemp(join(tmpdir(), 'claq-bench-'));
  try {
    const model =
      blocks === 30 ? SMOLLM2_FOLDER : await firstBlocks(SMOLLM2_FOLDER, blocks, join(folder, 'model'));
    const calibration = { segments, tokens: segmentLength };
    const measured = await measuredRun({ model, calibration, bits, engine, threads, precision });
    return { ...measured, quantize: measured.factor + measured.planning + measured.loop };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Multiplications and additions of the forward pass and of the Hessians' lower triangles, for all segments. */
export function productFlops(model: ModelDescription, run: WholeRun): number {
  const tokens = run.segments * run.segmentLength;
  let perToken = 0;
  for (const kind of MATRIX_KINDS) {
    const { rows, columns } = matrixShape(model, kind);
    perToken += 2 * rows * columns;
    if (kind === 'q' || kind === 'o' || kind === 'gate' || kind === 'down') perToken += columns * columns;
  }
  // Scores and their mixture, half of each hidden by causality.
  perToken += 2 * model.heads * model.headDim * run.segmentLength;
  return perToken * tokens * run.blocks;
}

/** Flops a second of a plain product on the engine. */
async function productRate(run: WholeRun, engine: EngineChoice): Promise<number> {
  const started = await startEngine({ engine, threads: run.threads });
  try {
    const size = 1024;
    const [a, b] = [tf.randomNormal<tf.Rank.R2>([size, size]), tf.randomNormal<tf.Rank.R2>([size, size])];
    const multiplyOnce = async (): Promise<void> => {
      const product = tf.matMul(a, b);
      await product.data();
      product.dispose();
    };
    const times = await timeRuns(multiplyOnce, 15);
    tf.dispose([a, b]);
    return (2 * size ** 3) / times.median;
  } finally {
    await started.stop();
  }
}

/** What the forward pass and the Hessians reach of it. */
function shareOfProducts(flops: number, rate: number, { forward, hessian }: MeasuredRun): string {
  const share = flops / (forward + hessian) / rate;
  return `${(100 * share).toFixed(0)} % of ${(rate / 1e9).toFixed(0)} GFLOPS`;
}

/** Columns of each matrix that scikit-learn fits. */
const FITTED_COLUMNS = 12;

/** The same number of fits by scikit-learn, on columns of the model, against our column loop, and all that it needs. */
async function compareFits(run: WholeRun, result: MeasuredRun): Promise<void> {
  const checkpoint = await openCheckpoint(SMOLLM2_FOLDER);
  try {
    let whole = 0;
    let fits = 0;
    let version = '';
    for (const kind of MATRIX_KINDS) {
      const { rows, columns } = matrixShape(checkpoint.model, kind);
      const weights = await checkpoint.read(`${matrixName(5, kind)}.weight`);
      const step = Math.floor(columns / FITTED_COLUMNS);
      const sample = Float32Array.from(
        { length: FITTED_COLUMNS * rows },
        (_, at) => weights[(at % rows) * columns + Math.floor(at / rows) * step] ?? 0,
      );
      const fitted = await scikitFits(sample, rows, Math.floor(run.bits));
      whole += new Times(fitted.seconds).median * columns * run.blocks;
      fits += columns * run.blocks;
      version = fitted.version;
    }
    note(
      `scikit-learn ${version}, one thread: ${fits} fits of ${2 ** Math.floor(run.bits)} centroids would take ${seconds(whole)} ` +
        `(medians of ${FITTED_COLUMNS} columns a matrix). Our column loop with its codebooks takes ${seconds(result.loop)}: ` +
        `${(whole / result.loop).toFixed(1)} times faster; with the factorization, and the errors at each width that the plan weighs, ` +
        `${seconds(result.quantize)}: ${(whole / result.quantize).toFixed(1)} times.`,
    );
  } catch (error) {
    note(`scikit-learn is not compared: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await checkpoint.close();
  }
}
