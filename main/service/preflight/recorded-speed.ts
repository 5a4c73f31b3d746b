/** How fast runs on this machine were, by their records: the best there is to go by. */
import type { ModelDescription } from '../../../shared/model.ts';
import type { EngineInUse, ForwardPrecision } from '../../../shared/engine.ts';
import type { ExportResult } from '../../../shared/exports.ts';
import { type RunRecord, budgetOfRecord } from '../../../shared/run-record.ts';
import type { Rates } from './rates.ts';
import { type RunToTime, type TimedPart, runTimes, timedParts } from './run-times.ts';

export interface RecordedRun {
  /** `run 12` */
  readonly label: string;
  readonly model: ModelDescription;
  readonly record: RunRecord;
}

/** What a run is to be computed with. */
export interface Setting {
  readonly engine: EngineInUse;
  /** Kernel threads. */
  readonly threads: number;
  readonly forwardPrecision: ForwardPrecision;
}

/** How many times as long a part takes as its rates say. */
export type Corrections = Readonly<Record<TimedPart, number>>;

export const NO_CORRECTIONS: Corrections = { forward: 1, hessian: 1, quantize: 1, evaluate: 1, original: 1 };

export interface RecordedSpeed {
  readonly corrections: Corrections;
  /** `runs 12 and 9 on this machine` */
  readonly source: string;
}

/** Runs that weigh, the latest first; each has half of the weight of the one before it. */
const MOST_RUNS = 3;
/** A run of a much smaller model says little of the products of a larger one, and the other way round. */
const LIKE_SIZES = 4;

/**
 * What the latest runs like this one took beside what the rates say, by part; undefined where there is none: complete, in one
 * session, by the same engine with as many threads, of a model of a like size.
 *
 * @param runs latest first
 */
export function recordedSpeed(
  runs: readonly RecordedRun[],
  { hiddenSize }: ModelDescription,
  setting: Setting,
  rates: Rates,
): RecordedSpeed | undefined {
  const alike = runs
    .filter(({ model, record }) => {
      const ratio = model.hiddenSize / hiddenSize;
      return isOf(setting, record) && ratio <= LIKE_SIZES && ratio >= 1 / LIKE_SIZES;
    })
    .slice(0, MOST_RUNS);
  if (alike.length === 0) return undefined;
  const each = alike.map((run) => correctionsBy(run, setting, rates));
  const part = (name: TimedPart): number | undefined => weightedMean(each.map((found) => found[name]));
  const forward = part('forward') ?? 1;
  // Runs without an evaluation leave its speed to that of the forward pass.
  const evaluate = part('evaluate') ?? part('original') ?? forward;
  return {
    corrections: {
      forward,
      hessian: part('hessian') ?? 1,
      quantize: part('quantize') ?? 1,
      evaluate,
      original: part('original') ?? evaluate,
    },
    source: `${joined(alike.map(({ label }) => label))} on this machine`,
  };
}

function isOf({ engine, threads, forwardPrecision }: Setting, record: RunRecord): boolean {
  return (
    record.status === 'complete' &&
    // A session that goes on takes its texts through the finished blocks once more.
    record.result?.sessions === 1 &&
    record.engine.backend === engine.description &&
    record.engine.threads === threads &&
    record.engine.forwardPrecision === forwardPrecision
  );
}

/** Undefined for parts that the record has no time of. */
function correctionsBy(
  run: RecordedRun,
  { engine, threads }: Setting,
  rates: Rates,
): Record<TimedPart, number | undefined> {
  const foretold = timedParts(runTimes(recordedRun(run, engine.name, threads), rates));
  const timing = run.record.result?.timing ?? {};
  const correction = (name: TimedPart): number | undefined => {
    const took = timing[name] ?? 0;
    return took > 0 && foretold[name] > 0 ? took / foretold[name] : undefined;
  };
  return {
    forward: correction('forward'),
    hessian: correction('hessian'),
    quantize: correction('quantize'),
    evaluate: correction('evaluate'),
    original: correction('original'),
  };
}

/** A dense export that was made on this machine. */
export type RecordedExport = Pick<ExportResult, 'bytes' | 'seconds'>;

/** An export of a few megabytes says little of one that a disk's cache does not hold. */
const LIKE_EXPORTS = 16;

/**
 * Bytes a second of the latest exports of about that size; undefined where there are none.
 * @param exports latest first
 */
export function recordedExportRate(exports: readonly RecordedExport[], bytes: number): number | undefined {
  const alike = exports.filter((made) => {
    const ratio = made.bytes / bytes;
    return made.seconds > 0 && ratio <= LIKE_EXPORTS && ratio >= 1 / LIKE_EXPORTS;
  });
  return weightedMean(alike.slice(0, MOST_RUNS).map((made) => made.bytes / made.seconds));
}

/** What was computed, by the record. */
export function recordedRun(
  { model, record }: Pick<RecordedRun, 'model' | 'record'>,
  engine: RunToTime['engine'],
  threads: number,
): RunToTime {
  const { settings, calibration, result } = record;
  const after = result?.after ?? undefined;
  return {
    model,
    method: {
      method: settings.method,
      budget: budgetOfRecord(settings),
      columnOrder: settings.columnOrder ?? 'outlier',
      plus: settings.plus,
    },
    segments: { count: calibration.segments, length: calibration.length },
    windows: { count: after?.windows ?? 0, length: after?.contextLength ?? 0 },
    engine,
    threads,
  };
}

/** Geometric, since these are ratios; each value has half of the weight of the one before it. */
function weightedMean(values: readonly (number | undefined)[]): number | undefined {
  let [sum, weights] = [0, 0];
  for (const [place, value] of values.entries()) {
    if (value === undefined) continue;
    const weight = 2 ** -place;
    sum += weight * Math.log(value);
    weights += weight;
  }
  return weights === 0 ? undefined : Math.exp(sum / weights);
}

function joined(labels: readonly string[]): string {
  if (labels.length < 2) return labels.join('');
  return `${labels.slice(0, -1).join(', ')} and ${labels.at(-1) ?? ''}`;
}
