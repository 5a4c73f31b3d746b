/**
 * What a run takes, part by part. The engine's thread does one thing after another, so parts add up; in the column loop alone
 * the threads work side by side. A coarser model than that of bench/cost-model.ts, whose rates take longer to measure.
 *
 * Not counted: embeddings, biases, long texts, activations that go to the disk.
 */
import type { EngineName } from '../../../shared/engine.ts';
import { budgetsOfKind } from '../../../shared/model-budget.ts';
import {
  MATRIX_GROUPS,
  type MatrixGroup,
  type MatrixKind,
  type ModelDescription,
  matrixShape,
  quantizedWeights,
} from '../../../shared/model.ts';
import {
  type MovedBytes,
  type TokenRuns,
  evaluationBytesMoved,
  factorFlops,
  forwardBytes,
  forwardFlops,
  headFlops,
  hessianBytes,
  hessianFlops,
  movedBeside,
} from '../../../shared/run-work.ts';
import { calibrationBytes } from '../../engine/activation-bytes.ts';
import { runsThatFit } from '../../engine/claq/kernel-memory.ts';
import type { MethodSettings } from '../../engine/claq/quantize-group.ts';
import { stretchBlocks } from '../../engine/claq/stretch-blocks.ts';
import { BLOCK } from '../../engine/kernels/layout.ts';
import { type ColumnMethod, columnSeconds, planningSeconds } from './column-costs.ts';
import { homeOn } from './memory-needs.ts';
import { type RateCurve, extrapolatedRate } from './rate-curve.ts';
import { plusWork } from './plus-work.ts';
import type { Rates } from './rates.ts';

export interface RunToTime {
  readonly model: ModelDescription;
  readonly method: Pick<MethodSettings, 'method' | 'budget' | 'columnOrder' | 'plus'>;
  readonly segments: TokenRuns;
  /** A count of 0 for no evaluation. */
  readonly windows: TokenRuns;
  readonly engine: EngineName;
  /** Kernel threads. */
  readonly threads: number;
  /** Bytes of the calibration's activations that may stay on the device. */
  readonly deviceActivations?: number | undefined;
}

/** The parts that a run's record has times of. */
export const TIMED_PARTS = ['forward', 'hessian', 'quantize', 'evaluate', 'original'] as const;
export type TimedPart = (typeof TIMED_PARTS)[number];

/** Seconds of the parts of a run, or of all its matrices. */
export interface RunTimes {
  readonly forward: number;
  readonly hessian: number;
  readonly factor: number;
  /** Of claq-plus, before the first block: what columns get, and the strength of corrections. */
  readonly allocation: number;
  readonly strength: number;
  /** Errors at each width and share. */
  readonly planning: number;
  /** Codebooks, codes, errors carried on, and what is done with the matrices around them. */
  readonly columns: number;
  /** Of one model, the original or what became of it. */
  readonly evaluate: number;
  /** Dequantized, packed, written, hashed. */
  readonly writing: number;
}

export function runTimes(run: RunToTime, rates: Rates): RunTimes {
  const { model, segments, windows } = run;
  const weights = quantizedWeights(model);
  const atSize = (flops: number, curve: RateCurve, moved: MovedBytes): number =>
    flops / extrapolatedRate(curve, model.hiddenSize) + transferSeconds(moved, rates);
  const ofBlock = (seconds: (group: MatrixGroup) => number): number =>
    model.blocks * MATRIX_GROUPS.reduce((sum, group) => sum + seconds(group), 0);
  const work = plusWork(run.method, segments, model);
  const moved = movedActivations(run);
  const forward = atSize(forwardFlops(model, segments), rates.forward, moved.forward);
  const hessian = atSize(hessianFlops(model, segments), rates.hessian, moved.hessian);
  const factor = factorFlops(model) / extrapolatedRate(rates.factor, model.hiddenSize);
  const planning = ofBlock((group) => groupPlanningSeconds(group, run, rates));
  const columns = ofBlock((group) => loopSeconds(group, run, rates)) + weights / rates.bookkeeping;
  const allocates = work.planFactors > 0;
  const ofRun = { forward: work.forward * forward, hessian: work.hessian * hessian };
  return {
    ...ofRun,
    factor,
    allocation:
      work.planPasses * forward +
      work.planHessians * hessian +
      work.planFactors * factor +
      (allocates ? planning : 0),
    strength:
      work.trialRuns * (ofRun.forward + ofRun.hessian) +
      work.trialBlocks * (factor + columns) +
      work.trialPasses * forward,
    planning: allocates ? 0 : planning,
    columns: work.columns * columns,
    evaluate: atSize(
      forwardFlops(model, windows) + headFlops(model, windows),
      rates.evaluate,
      evaluationBytesMoved(model, windows),
    ),
    writing: weights / rates.writing,
  };
}

/** What goes between host memory and device beside the activations that stay there: which they are makes little difference. */
export function movedActivations({
  model,
  segments,
  deviceActivations = 0,
}: Pick<RunToTime, 'model' | 'segments' | 'deviceActivations'>): Record<'forward' | 'hessian', MovedBytes> {
  const all = calibrationBytes(model, segments.count * segments.length);
  const staying = Math.min(1, deviceActivations / all);
  return {
    forward: movedBeside(forwardBytes(model, segments), staying),
    hessian: movedBeside(hessianBytes(model, segments), staying),
  };
}

/** The same as a run's record has them. */
export function timedParts({
  forward,
  hessian,
  factor,
  planning,
  columns,
  evaluate,
}: Omit<RunTimes, 'allocation' | 'strength'>): Record<TimedPart, number> {
  return { forward, hessian, quantize: factor + planning + columns, evaluate, original: evaluate };
}

export function transferSeconds(
  { up, down }: MovedBytes,
  { upload, download }: Pick<Rates, 'upload' | 'download'>,
): number {
  return up / upload + down / download;
}

/** Columns go to whichever thread is free. */
function groupPlanningSeconds(group: MatrixGroup, run: RunToTime, rates: Rates): number {
  const work = group.reduce((sum, kind) => {
    const { columns } = matrixShape(run.model, kind);
    return sum + columns * meanOverBlocks(planningSeconds, kind, run);
  }, 0);
  return work / rates.planning / run.threads;
}

/** Seconds of a column of the kind: blocks may have budgets of their own. */
function meanOverBlocks(
  seconds: (rows: number, method: ColumnMethod) => number,
  kind: MatrixKind,
  { model, method }: RunToTime,
): number {
  const { rows } = matrixShape(model, kind);
  let sum = 0;
  for (const [budget, blocks] of budgetsOfKind(method.budget, kind, model.blocks)) {
    sum += blocks.length * seconds(rows, { ...method, budget });
  }
  return sum / model.blocks;
}

/**
 * Within a matrix each column waits for the one before it, so the loop of matrices side by side takes as long as the longest of
 * them, or as all their work on all threads, whichever is more.
 */
function loopSeconds(group: MatrixGroup, run: RunToTime, rates: Rates): number {
  const { model, threads, engine } = run;
  const { columns } = matrixShape(model, group[0]);
  const matrices = group.map((kind) => ({
    rows: matrixShape(model, kind).rows,
    seconds: (columns * meanOverBlocks(columnSeconds, kind, run)) / rates.codebooks,
  }));
  const product = extrapolatedRate(rates.forward, model.hiddenSize);
  let seconds = 0;
  for (const together of runsThatFit(matrices, { home: homeOn(engine), columns })) {
    const each = together.map((matrix) => matrix.seconds);
    const work = each.reduce((sum, one) => sum + one, 0) / threads;
    const rows = together.reduce((sum, matrix) => sum + matrix.rows, 0);
    const { near, far } = carriedFlops(rows, columns, run);
    seconds += Math.max(...each, work + near / rates.updates) + far / product;
  }
  return seconds;
}

/** Errors that the kernels carry on, and those that the tensor operations carry to later stretches. */
function carriedFlops(
  rows: number,
  columns: number,
  { method, engine }: RunToTime,
): { readonly near: number; readonly far: number } {
  if (method.method === 'rtn') return { near: 0, far: 0 };
  const stretch =
    homeOn(engine) === 'kernels' ? columns : Math.min(columns, stretchBlocks(rows, columns) * BLOCK);
  return { near: rows * columns * stretch, far: rows * columns * (columns - stretch) };
}
