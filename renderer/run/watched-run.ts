/** What a watching window knows of a run: plain data, made anew from the events that arrived since the last frame. */
import type { MatrixResult } from '../../shared/run-record.ts';
import type { LoadSample, Pace, RunDetail, RunEvent, RunNote } from '../../shared/runs.ts';
import { type MatrixMap, withMatrices } from '../charts/matrix-grid.ts';

export interface RateSample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Units a second. */
  readonly rate: number;
}

export interface WatchedRun {
  readonly run: RunDetail;
  readonly pace: Pace | null;
  readonly matrices: MatrixMap;
  /** In the order of computation. */
  readonly sequence: readonly MatrixResult[];
  readonly notes: readonly RunNote[];
  readonly load: readonly LoadSample[];
  readonly rates: readonly RateSample[];
  readonly deleted: boolean;
}

/** An hour at a sample a second: what lies further back is thinned, so that a run of days keeps its shape. */
export const MAX_SAMPLES = 3600;
/** The log's latest lines; all of them stand in the run's folder. */
export const MAX_NOTES = 2000;
/** A rate is kept once in this time, in milliseconds: pace comes 60 times a second. */
const RATE_EVERY = 1000;

/**
 * Applies events in their order. Before the first `run` there is nothing, and what comes is left out.
 * @param now milliseconds since the epoch, when the events came
 */
export function applyEvents(
  before: WatchedRun | undefined,
  events: readonly RunEvent[],
  now: number,
): WatchedRun | undefined {
  let watched = before;
  let fresh: MatrixResult[] = [];
  const takeIn = (): void => {
    if (watched === undefined || fresh.length === 0) return;
    watched = {
      ...watched,
      matrices: withMatrices(watched.matrices, fresh),
      sequence: inSequence(watched.sequence, watched.matrices, fresh),
    };
    fresh = [];
  };
  for (const event of events) {
    if (event.kind === 'run') {
      fresh = [];
      watched = begin(event.run, watched);
    } else if (watched !== undefined) {
      if (event.kind === 'matrices') fresh.push(...event.matrices);
      else watched = applyOne(watched, event, now);
    }
  }
  takeIn();
  return watched;
}

/** A new state of the whole; what was seen of pace and load stays, since a run's detail does not have it. */
function begin(run: RunDetail, before: WatchedRun | undefined): WatchedRun {
  const goesOn = before?.run.id === run.id ? before : undefined;
  return {
    run,
    pace: run.state === 'running' || run.state === 'pausing' ? (goesOn?.pace ?? null) : null,
    matrices: withMatrices(new Map(), run.matrices),
    sequence: run.matrices,
    notes: run.notes.slice(-MAX_NOTES),
    load: goesOn?.load ?? [],
    rates: goesOn?.rates ?? [],
    deleted: false,
  };
}

type SmallEvent = Exclude<RunEvent, { kind: 'run' | 'matrices' }>;

function applyOne(watched: WatchedRun, event: SmallEvent, now: number): WatchedRun {
  switch (event.kind) {
    case 'pace':
      return { ...watched, pace: event.pace, rates: withRate(watched.rates, event.pace.rate, now) };
    case 'note':
      return { ...watched, notes: [...watched.notes, event.note].slice(-MAX_NOTES) };
    case 'load':
      return { ...watched, load: withLoad(watched.load, event.load) };
    case 'deleted':
      return { ...watched, deleted: true };
  }
}

/** Whoever watches anew is sent the latest samples once more. */
function withLoad(load: readonly LoadSample[], sample: LoadSample): readonly LoadSample[] {
  const last = load.at(-1);
  return last !== undefined && sample.at <= last.at ? load : bounded([...load, sample]);
}

function withRate(rates: readonly RateSample[], rate: number | null, now: number): readonly RateSample[] {
  const last = rates.at(-1);
  if (rate === null || (last !== undefined && now - last.at < RATE_EVERY)) return rates;
  return bounded([...rates, { at: now, rate }]);
}

/** Past the limit every second sample of the older half is left out. */
function bounded<Sample>(samples: Sample[]): readonly Sample[] {
  if (samples.length <= MAX_SAMPLES) return samples;
  const half = samples.length >> 1;
  return samples.filter((_, index) => index >= half || index % 2 === 0);
}

/** A matrix that was there before keeps its place: a block is quantized again where its files were not as they were written. */
function inSequence(
  sequence: readonly MatrixResult[],
  known: MatrixMap,
  fresh: readonly MatrixResult[],
): readonly MatrixResult[] {
  const isKnown = ({ block, kind }: MatrixResult): boolean => known.get(block)?.has(kind) ?? false;
  if (!fresh.some(isKnown)) return [...sequence, ...fresh];
  const later = new Map(fresh.map((matrix) => [keyOf(matrix), matrix]));
  return [
    ...sequence.map((matrix) => later.get(keyOf(matrix)) ?? matrix),
    ...fresh.filter((matrix) => !isKnown(matrix)),
  ];
}

function keyOf({ block, kind }: MatrixResult): string {
  return `${block}.${kind}`;
}
