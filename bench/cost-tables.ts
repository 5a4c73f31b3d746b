/** The tables that `npm run bench:cost` prints. */
import { ARENA_BYTES } from '../main/engine/kernels/arena.ts';
import { type MemoryNeeds, memoryNeeds } from '../main/service/preflight/memory-needs.ts';
import { PROCESS_BYTES } from '../main/service/preflight/memory-space.ts';
import type { RateCurve } from '../main/service/preflight/rate-curve.ts';
import type { Budget } from '../shared/budget.ts';
import type { ForwardPrecision } from '../shared/engine.ts';
import { budgetForAll } from '../shared/model-budget.ts';
import {
  CARD,
  CORES,
  DISK,
  HOST_MEMORY,
  LARGE_MODELS,
  LINK,
  SHARES,
  assumedMachine,
} from './assumed-machine.ts';
import { modelBytes, packedModelBytes } from './cost-disk.ts';
import {
  PHASES,
  PHASE_NAMES,
  type Phase,
  type PhaseTimes,
  type PlannedRun,
  predictTimes,
  totalSeconds,
} from './cost-model.ts';
import type { MeasuredPhases } from './measured-run.ts';
import type { Machine } from './rates.ts';
import { note, table } from './report.ts';

export function printRates({ device, kernels, host, threads }: Machine): void {
  const rows: string[][] = [];
  const rate = (
    name: string,
    unit: string,
    scale: number,
    value: number | RateCurve,
    size?: string,
  ): void => {
    const points = typeof value === 'number' ? [{ size: undefined, rate: value }] : value;
    for (const point of points) {
      const at = point.size === undefined ? '' : `${size ?? ''} ${readable(point.size)}`;
      rows.push([name, at, (point.rate / scale).toPrecision(3), unit]);
    }
  };
  rate('product of the forward pass', 'GFLOPS', 1e9, device.product, 'flops');
  rate('product of the column loop', 'GFLOPS', 1e9, device.carryProduct, 'flops');
  rate('Hessian of a segment', 'GFLOPS', 1e9, device.hessian, 'columns');
  rate('factorization on the device', 'GFLOPS', 1e9, device.factor, 'columns');
  rate('attention', 'M scores/s', 1e6, device.attention, 'head of');
  rate('RMS norm', 'M values/s', 1e6, device.norm, 'values');
  rate('silu and product', 'M values/s', 1e6, device.gate, 'values');
  rate('sum', 'M values/s', 1e6, device.sum, 'values');
  rate('upload', 'GB/s', 1e9, device.upload);
  rate('download', 'GB/s', 1e9, device.download);
  for (const [width, curve] of kernels.codebooks)
    rate(`codebooks and codes, ${width} bits, a thread`, 'M weights/s', 1e6, curve, 'rows');
  rate('errors at each width, a thread', 'M weights/s', 1e6, kernels.planning, 'rows');
  rate('updates, a thread', 'GFLOPS', 1e9, kernels.updates);
  rate(`factorization, ${threads} threads`, 'GFLOPS', 1e9, kernels.factor, 'columns');
  rate('a thread among busy ones takes', 'times longer', 1, kernels.crowding);
  rate('errors out of the layout and back', 'GB/s', 1e9, kernels.staging);
  rate('outlier statistics', 'M weights/s', 1e6, host.statistics);
  rate('choice of widths and shares', 'columns/s', 1, host.choice);
  rate('into the layout, codes out of it', 'M weights/s', 1e6, host.layout);
  rate('dequantizing', 'M weights/s', 1e6, host.dequantize);
  rate('packing, writing, hashing', 'M weights/s', 1e6, host.write);
  rate('weights from file to float32', 'GB/s', 1e9, host.read);
  rate('SHA-256', 'GB/s', 1e9, host.hash);
  rate('start of a run', 's', 1, host.start);
  table('Rates of this machine', ['work', 'at', 'rate', ''], rows);
}

/** What a run's record and trace tell apart, and which phases of the model it is. */
const COMPARED: readonly {
  readonly name: string;
  readonly phases: readonly Phase[];
  readonly measured: (run: MeasuredPhases) => number;
}[] = [
  { name: 'forward pass', phases: ['forward', 'forwardTransfers'], measured: (run) => run.forward },
  { name: 'Hessians', phases: ['hessian', 'hessianTransfers'], measured: (run) => run.hessian },
  { name: 'factorization', phases: ['factor'], measured: (run) => run.factor },
  { name: 'errors of the columns', phases: ['planning'], measured: (run) => run.planning },
  {
    name: 'column loop',
    phases: ['codebooks', 'updates', 'carry', 'bookkeeping'],
    measured: (run) => run.loop,
  },
  {
    name: 'start, reading, writing',
    phases: ['start', 'read', 'write'],
    measured: (run) => run.rest,
  },
  { name: 'whole run', phases: PHASES, measured: (run) => run.seconds },
];

/** How far off a prediction may be. */
const TOLERANCE = 0.25;

export function printComparison(
  name: string,
  run: PlannedRun,
  machine: Machine,
  measured: MeasuredPhases,
): void {
  const times = predictTimes(run, machine);
  const rows = COMPARED.map((compared) => {
    const foretold = sumOf(times, compared.phases);
    const took = compared.measured(measured);
    const ratio = foretold / took;
    const within = Math.abs(ratio - 1) <= TOLERANCE ? 'yes' : 'no';
    return [compared.name, foretold.toFixed(2), took.toFixed(2), ratio.toFixed(2), within];
  });
  const { segments, tokens } = run.calibration;
  table(
    `${name}, ${segments} x ${tokens} tokens: seconds`,
    ['phase', 'foretold', 'measured', 'ratio', `within ${100 * TOLERANCE} %`],
    rows,
  );
}

const CALIBRATION = { segments: 128, tokens: 2048 };
const AIM = { model: 'LLaMA-7B', seconds: 360 };

/** @param here the machine that the kernels' rates are taken from */
export function printLargeModels(here: Machine, budget: Budget): void {
  note(
    `\nAssumed: ${CARD.name} (${CARD.floatFlops / 1e12} TFLOPS float32, ${CARD.halfFlops / 1e12} half, ${CARD.bandwidth / 1e9} GB/s, ` +
      `${CARD.memory / 1e9} GB) at ${percent(SHARES.product)} (products), ${percent(SHARES.halfProduct)} (half), ` +
      `${percent(SHARES.hessian)} (Hessians), ${percent(SHARES.factor)} (factorization), ${percent(SHARES.bandwidth)} (memory); ` +
      `PCIe 4.0 x16, ${LINK / 1e9} GB/s at ${percent(SHARES.link)}; ${CORES} cores as fast as one here alone, ` +
      `${HOST_MEMORY / 1e9} GB, disk ${DISK / 1e9} GB/s. No part of this was measured on a card.`,
  );
  for (const precision of ['float32', 'bfloat16'] as const) printLargeTimes(here, budget, precision);
  printLargeMemory(budget);
}

function printLargeTimes(here: Machine, budget: Budget, precision: ForwardPrecision): void {
  const machine = assumedMachine(here, precision);
  const foretold = LARGE_MODELS.map(({ name, model }) => {
    const run = { model, calibration: CALIBRATION, budget, fileBytes: modelBytes(model) };
    return { name, times: predictTimes(run, machine) };
  });
  table(
    `${CALIBRATION.segments} x ${CALIBRATION.tokens} tokens, forward pass in ${precision}: seconds`,
    ['phase', ...foretold.map(({ name }) => name)],
    [
      ...PHASES.map((phase) => [PHASE_NAMES[phase], ...foretold.map(({ times }) => times[phase].toFixed(1))]),
      ['whole run', ...foretold.map(({ times }) => totalSeconds(times).toFixed(0))],
      ['minutes', ...foretold.map(({ times }) => (totalSeconds(times) / 60).toFixed(1))],
    ],
  );
  for (const { name, times } of foretold) {
    const longest = PHASES.reduce((most, phase) => (times[phase] > times[most] ? phase : most));
    const share = percent(times[longest] / totalSeconds(times));
    note(`${name}: most of it is "${PHASE_NAMES[longest]}", ${share}.`);
    if (name !== AIM.model) continue;
    const total = totalSeconds(times);
    const met = total <= AIM.seconds ? 'met' : 'NOT met';
    note(`Aim: ${name} in ${AIM.seconds} s. Foretold ${total.toFixed(0)} s: ${met}.`);
  }
}

/** The engine of the assumed machine. */
const ENGINE = 'tensorflow-gpu';

interface LargeRun {
  readonly name: string;
  readonly needs: MemoryNeeds;
  readonly packed: number;
  readonly dense: number;
}

function printLargeMemory(budget: Budget): void {
  const foretold = LARGE_MODELS.map(({ name, model }): LargeRun => ({
    name,
    needs: memoryNeeds({
      model,
      segments: { count: CALIBRATION.segments, length: CALIBRATION.tokens },
      windows: { count: 0, length: 0 },
      budget: budgetForAll(budget),
      threads: CORES,
      engine: ENGINE,
    }),
    packed: packedModelBytes(model, budget),
    dense: modelBytes(model),
  }));
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  const row = (name: string, bytes: (foretold: LargeRun) => number): string[] => [
    name,
    ...foretold.map((each) => gigabytes(bytes(each))),
  ];
  table(
    'Memory at the peak and disk, GB',
    ['', ...foretold.map(({ name }) => name)],
    [
      row('device', ({ needs }) => deviceBytes(needs)),
      row('activations of all segments (host, or disk)', ({ needs }) => needs.activations),
      row("kernels' memory", ({ needs }) => needs.kernels),
      row('process, weights and codes of a group', ({ needs }) => PROCESS_BYTES[ENGINE] + needs.groupWeights),
      row('host memory in all, nothing on the disk', ({ needs }) => hostBytes(needs)),
      row('disk: packed', ({ packed }) => packed),
      row('disk: dense export, half precision', ({ dense }) => dense),
    ],
  );
  for (const { name, needs } of foretold) {
    const faults = [
      needs.kernels > ARENA_BYTES
        ? `the kernels' memory of ${gigabytes(ARENA_BYTES)} GB is too small for ${needs.largestGroup.join(', ')}`
        : undefined,
      deviceBytes(needs) > CARD.memory ? `the card's memory is too small` : undefined,
      hostBytes(needs) > HOST_MEMORY
        ? `a host with ${HOST_MEMORY / 1e9} GB keeps some activations on the disk`
        : undefined,
    ].filter((fault) => fault !== undefined);
    note(`${name}: ${faults.length === 0 ? 'fits, so it is possible at all' : faults.join('; ')}.`);
  }
  note('Memory was worked out, not measured.');
}

function hostBytes({ activations, kernels, groupWeights }: MemoryNeeds): number {
  return activations + kernels + PROCESS_BYTES[ENGINE] + groupWeights;
}

function deviceBytes({ device }: MemoryNeeds): number {
  return device.block + device.step.bytes;
}

function sumOf(times: PhaseTimes, phases: readonly Phase[]): number {
  return phases.reduce((sum, phase) => sum + times[phase], 0);
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** 4.19 M */
function readable(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toPrecision(3)} G`;
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  return String(value);
}
