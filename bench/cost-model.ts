/**
 * What a quantization run takes, foretold phase by phase from a model's description and the rates of a machine. The engine's
 * thread does one thing after another, so phases add up; only the column loop overlaps, kernels with each other and with the
 * device. All times are in seconds.
 *
 * Not counted: reading the calibration text beyond the machine's `start`, embeddings, biases, evaluation, dense export, and
 * activations that go to the disk.
 */
import { runsThatFit } from '../main/engine/claq/kernel-memory.ts';
import { stretchBlocks } from '../main/engine/claq/stretch-blocks.ts';
import { BLOCK } from '../main/engine/kernels/layout.ts';
import { BatchSizes } from '../main/engine/transformer/batch-sizes.ts';
import { type RateCurve, extrapolatedRate, rateAt } from '../main/service/preflight/rate-curve.ts';
import type { Budget } from '../shared/budget.ts';
import { MATRIX_GROUPS, MATRIX_KINDS, type ModelDescription, matrixShape } from '../shared/model.ts';
import { type MovedBytes, forwardBytes, hessianBytes } from '../shared/run-work.ts';
import type { DeviceRates, Machine } from './rates.ts';

/** Segments, and tokens of each. */
export interface Calibration {
  readonly segments: number;
  readonly tokens: number;
}

/** What is quantized, on what, with what. */
export interface PlannedRun {
  readonly model: ModelDescription;
  readonly calibration: Calibration;
  readonly budget: Budget;
  /** Bytes of the model's files, all of which are hashed. */
  readonly fileBytes: number;
}

export const PHASES = [
  'start',
  'read',
  'forward',
  'forwardTransfers',
  'hessian',
  'hessianTransfers',
  'factor',
  'planning',
  'codebooks',
  'updates',
  'carry',
  'bookkeeping',
  'write',
] as const;
export type Phase = (typeof PHASES)[number];

/** Seconds of each phase. */
export type PhaseTimes = Readonly<Record<Phase, number>>;

/** For people. */
export const PHASE_NAMES: Readonly<Record<Phase, string>> = {
  start: 'start, hashing the model',
  read: 'reading weights',
  forward: 'forward pass',
  forwardTransfers: 'its activations to and from the device',
  hessian: 'Hessians',
  hessianTransfers: 'their inputs to the device',
  factor: 'factorization',
  planning: 'errors of the columns at each width',
  codebooks: 'codebooks and codes, what waits for them',
  updates: 'updates beside them',
  carry: 'errors carried over by the device',
  bookkeeping: 'statistics, choice, layout of the matrices',
  write: 'dequantizing, packing, writing',
};

const FLOAT_BYTES = 4;
const HALF_BYTES = 2;

export function totalSeconds(times: PhaseTimes): number {
  return PHASES.reduce((sum, phase) => sum + times[phase], 0);
}

export function predictTimes(
  { model, calibration, budget, fileBytes }: PlannedRun,
  machine: Machine,
): PhaseTimes {
  const { host } = machine;
  const groups = groupsOf(model);
  const perBlock = (seconds: (group: Group) => number): number =>
    model.blocks * groups.reduce((sum, group) => sum + seconds(group), 0);
  const passes = model.blocks * calibration.segments;
  const loops = groups.map((group) => groupLoopTimes(group, budget, machine));
  const ofLoops = (part: keyof LoopTimes): number =>
    model.blocks * loops.reduce((sum, loop) => sum + loop[part], 0);
  const { upload, download } = machine.device;
  const { factor } = machine.factorsOnDevice ? machine.device : machine.kernels;
  const segments = { count: calibration.segments, length: calibration.tokens };
  const transfers = ({ up, down }: MovedBytes): number =>
    machine.keepsActivations ? 0 : up / upload + down / download;
  return {
    start: host.start + fileBytes / host.hash,
    read: perBlock(({ weights }) => (HALF_BYTES * weights) / host.read),
    forward: passes * forwardSeconds(model, calibration.tokens, machine.device),
    forwardTransfers: transfers(forwardBytes(model, segments)),
    hessian: passes * hessianSeconds(model, calibration.tokens, machine.device),
    hessianTransfers: transfers(hessianBytes(model, segments)),
    factor: perBlock(({ columns }) => columns ** 3 / 3 / extrapolatedRate(factor, columns)),
    planning: isAdaptive(budget) ? perBlock((group) => planningSeconds(group, machine)) : 0,
    codebooks: ofLoops('codebooks'),
    updates: ofLoops('updates'),
    carry: ofLoops('carry'),
    bookkeeping: perBlock(({ weights, rows, columns }) => {
      const choice = isAdaptive(budget) ? (rows.length * columns) / host.choice : 0;
      return weights / host.statistics + choice + weights / host.layout;
    }),
    write: perBlock(({ weights }) => {
      const carried = (FLOAT_BYTES * weights) / download + (FLOAT_BYTES * weights) / upload;
      return carried + weights / host.dequantize + weights / host.write;
    }),
  };
}

/** Matrices that share their inputs. */
interface Group {
  readonly columns: number;
  /** Of each matrix. */
  readonly rows: readonly number[];
  /** Of all of them. */
  readonly allRows: number;
  readonly weights: number;
}

function groupsOf(model: ModelDescription): Group[] {
  return MATRIX_GROUPS.map((kinds) => {
    const { columns } = matrixShape(model, kinds[0]);
    return groupOf(
      columns,
      kinds.map((kind) => matrixShape(model, kind).rows),
    );
  });
}

function groupOf(columns: number, rows: readonly number[]): Group {
  const allRows = rows.reduce((sum, each) => sum + each, 0);
  return { columns, rows, allRows, weights: allRows * columns };
}

/** Whether columns differ in what they get, so that their errors are measured first (`--column-order benefit`). */
function isAdaptive({ precision, reservation }: Budget): boolean {
  return precision.low !== precision.high || reservation !== undefined;
}

/** One segment through one block, without transfers. */
function forwardSeconds(model: ModelDescription, tokens: number, device: DeviceRates): number {
  const { heads, kvHeads, headDim, hiddenSize, ffnSize } = model;
  const at = (curve: RateCurve, values: number): number => values / rateAt(curve, values);
  const products = MATRIX_KINDS.reduce((sum, kind) => {
    const { rows, columns } = matrixShape(model, kind);
    return sum + at(device.product, 2 * tokens * rows * columns);
  }, 0);
  const queriesAndKeys = tokens * (heads + kvHeads) * headDim;
  return (
    products +
    attentionScores(model, tokens) / rateAt(device.attention, headDim) +
    2 * at(device.norm, tokens * hiddenSize) +
    (model.qkNorm ? at(device.norm, queriesAndKeys) : 0) +
    at(device.rotation, queriesAndKeys) +
    at(device.gate, tokens * ffnSize) +
    2 * at(device.sum, tokens * hiddenSize)
  );
}

/**
 * Scores of all heads of a segment as the tensor operations compute them: a chunk of queries meets every key up to its last
 * query, so somewhat more than the half that causality leaves. The kernels compute fewer; their rate is in these scores too.
 */
export function attentionScores(
  { heads, slidingWindow }: Pick<ModelDescription, 'heads' | 'slidingWindow'>,
  tokens: number,
): number {
  const { queries } = new BatchSizes(tokens);
  let scores = 0;
  for (let start = 0; start < tokens; start += queries) {
    const end = Math.min(start + queries, tokens);
    const firstKey = Math.max(0, start - (slidingWindow ?? tokens) + 1);
    scores += (end - start) * (end - firstKey);
  }
  return heads * scores;
}

/** One segment's share of the Hessians of all groups of one block, without transfers; its norms are computed once more. */
function hessianSeconds(model: ModelDescription, tokens: number, device: DeviceRates): number {
  const normed = tokens * model.hiddenSize;
  return MATRIX_GROUPS.reduce(
    (sum, [kind]) => {
      const { columns } = matrixShape(model, kind);
      return sum + (tokens * columns ** 2) / extrapolatedRate(device.hessian, columns);
    },
    (2 * normed) / rateAt(device.norm, normed),
  );
}

/** Columns go to whichever thread is free. */
function planningSeconds({ rows, columns }: Group, { kernels, threads }: Machine): number {
  const work = rows.reduce(
    (sum, each) => sum + (each * columns) / extrapolatedRate(kernels.planning, each),
    0,
  );
  return (work * crowding(kernels.crowding, threads)) / threads;
}

/** One thread cannot be in its own way. */
function crowding(measured: number, threads: number): number {
  return threads === 1 ? 1 : measured;
}

interface LoopTimes {
  /** The longest chain of columns, each of which waits for the one before it. */
  readonly codebooks: number;
  /** What the updates, and more matrices than threads, take beyond that. */
  readonly updates: number;
  readonly carry: number;
}

/** The column loop of a group, of as many of its matrices at a time as the kernels' memory has room for. */
function groupLoopTimes({ columns, rows }: Group, budget: Budget, machine: Machine): LoopTimes {
  const matrices = rows.map((each) => ({ rows: each }));
  const home = machine.factorsOnDevice ? 'device' : 'kernels';
  const times = { codebooks: 0, updates: 0, carry: 0 };
  for (const run of runsThatFit(matrices, { home, columns })) {
    const together = groupOf(
      columns,
      run.map((matrix) => matrix.rows),
    );
    const { codebooks, updates, carry } = loopTimes(together, budget, machine);
    times.codebooks += codebooks;
    times.updates += updates;
    times.carry += carry;
  }
  return times;
}

/**
 * The column loop of matrices side by side. Within a stretch of blocks (all of them, where the device carries nothing over) each
 * matrix is a chain of blocks, and the updates in between are done by whichever thread is free: a stretch takes as long as its
 * longest chain or as all its work on all threads, whichever is more (the lower of Graham's bounds of list scheduling, 1966).
 */
function loopTimes(group: Group, budget: Budget, machine: Machine): LoopTimes {
  const { columns, rows, allRows } = group;
  const { kernels, threads } = machine;
  const blocks = Math.ceil(columns / BLOCK);
  const most = machine.factorsOnDevice ? stretchBlocks(allRows, columns) : blocks;
  const times = { codebooks: 0, updates: 0, carry: 0 };
  for (let first = 0; first < blocks; first += most) {
    const ownBlocks = Math.min(most, blocks - first);
    const ownColumns = Math.min(ownBlocks * BLOCK, columns - first * BLOCK);
    let chain = 0;
    let work = 0;
    for (const each of rows) {
      const quantizing = (each * ownColumns) / codebookRate(budget, machine, each);
      const update = (2 * each * BLOCK ** 2) / kernels.updates;
      chain = Math.max(chain, quantizing + (ownBlocks - 1) * update);
      work += quantizing + ((ownBlocks * (ownBlocks - 1)) / 2) * update;
    }
    const shared = (work * crowding(kernels.crowding, threads)) / threads;
    const next = Math.min(most, blocks - first - ownBlocks) * BLOCK;
    const prepared = preparedSeconds(allRows, first * BLOCK, next, machine);
    const together = machine.ownDevice
      ? Math.max(chain, shared, prepared)
      : Math.max(chain, shared + prepared);
    times.codebooks += chain;
    times.updates += together - chain;
    if (machine.factorsOnDevice) {
      times.carry += factorSeconds(ownBlocks * BLOCK, machine);
      times.carry += carrySeconds(allRows, ownBlocks * BLOCK, next, machine);
    }
  }
  return times;
}

/** Weights a second of one thread in columns of so many rows, widths mixed to the budget's average. */
function codebookRate(
  { precision: { low, high, average } }: Budget,
  { kernels }: Machine,
  rows: number,
): number {
  const rate = (width: number): number => {
    const curve = kernels.codebooks.get(width);
    if (curve === undefined) throw new RangeError(`no rate of codebooks of ${width} bits`);
    return extrapolatedRate(curve, rows);
  };
  if (low === high) return rate(low);
  const wide = (average - low) / (high - low);
  return 1 / ((1 - wide) / rate(low) + wide / rate(high));
}

/** Columns of two stretches, whose errors one product carries. */
const CARRIED_TOGETHER = 8 * BLOCK;

/** A stretch's part of U, arranged for the kernels and brought over. */
function factorSeconds(columns: number, { device }: Machine): number {
  const values = columns ** 2;
  return values / rateAt(device.sum, values) + (FLOAT_BYTES * values) / device.download;
}

/**
 * While the kernels are at a stretch, the device prepares the next one (device-updates.ts, prepare): errors of the stretches
 * before, two put together and multiplied with their part of U, and the products added up.
 * @param before columns that are quantized already; `next` columns of the next stretch
 */
function preparedSeconds(allRows: number, before: number, next: number, { device }: Machine): number {
  if (before === 0 || next === 0) return 0;
  const together = Math.min(before, CARRIED_TOGETHER);
  const passed = before * next + allRows * (together + (before / together) * next);
  const flops = 2 * allRows * together * next;
  return (
    passed / rateAt(device.sum, passed) + ((before / together) * flops) / rateAt(device.carryProduct, flops)
  );
}

/**
 * Between two stretches (device-updates.ts, apply): errors out of the kernels' layout and to the device, corrections back.
 * @param done columns of the stretch before, `next` of the one behind
 */
function carrySeconds(allRows: number, done: number, next: number, { device, kernels }: Machine): number {
  if (next === 0) return 0;
  const up = FLOAT_BYTES * allRows * done;
  const down = FLOAT_BYTES * allRows * next;
  const flops = 2 * allRows * done * next;
  return (
    (up + down) / kernels.staging +
    up / device.upload +
    down / device.download +
    flops / rateAt(device.carryProduct, flops)
  );
}
