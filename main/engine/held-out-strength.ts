/**
 * How much of the model's drift the corrections of CLAQ+ make up for (claq/aim.ts). Making up for all of it fits the
 * calibration text's own noise, so the strength is tried: the first blocks are quantized with each candidate on most of the
 * segments, and what is taken is the least with which the model, its other blocks as they were, foretells the segments held out
 * as well as with the best, as far as so few segments tell (the one-standard-error rule: Breiman et al. 1984, Classification and
 * Regression Trees).
 */
import { ClaqError } from '../../shared/errors.ts';
import { type ModelDescription, mostColumns } from '../../shared/model.ts';
import { type PlusChoices, USUAL_STRENGTH, followsOriginal } from '../../shared/plus.ts';
import type { TokenRuns } from '../../shared/run-work.ts';
import { segmentsOf } from './plan-model.ts';
import { type QuantizationRun, quantizeModel } from './run.ts';

/**
 * Candidates. Finer ones are told apart by noise alone, and of larger ones the first blocks say too much good: on SmolLM2 at 2.45
 * stored bits a trial liked 0.75 best, with which the whole model came to 74.1 where 0.25 gave 68.1.
 */
export const STRENGTHS = [0.25, 0.5] as const;
/** One segment of so many is held out, up to as many as tell strengths apart. */
const HELD_OUT = 4;
const MOST_HELD_OUT = 8;
/**
 * A trial quantizes this part of the blocks, at the model's beginning: the drift adds up there already. What it costs beside is the
 * held-out segments' way through all the others.
 */
export const TRIED_BLOCKS = 1 / 16;
/**
 * Tokens that are tried with, at least, for each column of the widest matrix, where there are more. What a strength fits of the
 * text's noise shrinks with the tokens, so a trial on some of them errs to the smaller strength; with 128 segments of 2048 on
 * SmolLM2 it takes a tenth of the time.
 */
const TRIED_TOKENS_A_COLUMN = 16;

/** Segments of `count` that are held out of the trials; 0: too few to hold any out. */
export function heldOutSegments(count: number): number {
  return Math.min(Math.floor(count / HELD_OUT), MOST_HELD_OUT);
}

/**
 * Segments that are tried with, of those that are left: in the order in which they were drawn.
 * @param heldOut segments that are held out: a trial takes no fewer, however long they are
 */
export function triedSegments(model: ModelDescription, left: TokenRuns, heldOut: number): number {
  return Math.min(
    left.count,
    Math.max(heldOut, segmentsOf(TRIED_TOKENS_A_COLUMN * mostColumns(model), left)),
  );
}

/** Where a segment was cut out of the calibration text: document, and its first token there. */
export interface SegmentSource {
  readonly document: number;
  readonly start: number;
}

/** Places of segments in their list. */
interface SplitSegments {
  readonly tried: readonly number[];
  readonly heldOut: readonly number[];
}

/**
 * Holds out the segments that come last in the text. Segments are drawn at random and may overlap: those that share tokens with one
 * that is held out are left out of the trials.
 * @param length tokens of a segment
 */
export function splitSegments(sources: readonly SegmentSource[], length: number): SplitSegments {
  const inOrder = [...sources.entries()].sort(([, a], [, b]) => a.document - b.document || a.start - b.start);
  const first = inOrder.length - heldOutSegments(inOrder.length);
  const held = inOrder.slice(first);
  const isApart = ({ document, start }: SegmentSource): boolean =>
    held.every(([, other]) => other.document !== document || Math.abs(other.start - start) >= length);
  return {
    tried: inOrder.slice(0, first).flatMap(([place, source]) => (isApart(source) ? [place] : [])),
    heldOut: held.map(([place]) => place),
  };
}

export interface StrengthTrial {
  readonly strength: number;
  /** Mean negative log-likelihood of the held-out segments' tokens, in nats. */
  readonly nll: number;
  /** Of its difference from the best trial's, over the segments; 0 for the best, and where one segment is all there is. */
  readonly standardError: number;
}

export interface ChosenStrength {
  readonly strength: number;
  /** None where there were too few segments, or nothing is corrected. */
  readonly trials: readonly StrengthTrial[];
}

/**
 * Sweeps are left out of the trials: they change little of what the strengths differ in. Throws what quantizeModel throws.
 * @param run as it will be quantized, with its plus; its segments of one length
 * @param sources where the segments were cut out of their text; without them, none overlap
 */
export async function heldOutStrength(
  run: Omit<QuantizationRun, 'windows' | 'onMatrix'>,
  plus: PlusChoices,
  sources?: readonly SegmentSource[],
): Promise<ChosenStrength> {
  if (!followsOriginal(plus)) return { strength: USUAL_STRENGTH, trials: [] };
  const [length = 0] = run.segments.map((ids) => ids.length);
  const split = splitSegments(
    sources ?? run.segments.map((_, segment) => ({ document: segment, start: 0 })),
    length,
  );
  const taken = (places: readonly number[]): readonly Int32Array[] =>
    run.segments.filter((_, segment) => places.includes(segment));
  const { model } = run.checkpoint;
  const [left, heldOut] = [taken(split.tried), taken(split.heldOut)];
  const segments = left.slice(0, triedSegments(model, { count: left.length, length }, heldOut.length));
  if (length < 2 || heldOut.length === 0 || segments.length < heldOut.length) {
    return { strength: USUAL_STRENGTH, trials: [] };
  }
  const firstBlocks = Math.max(1, Math.round(model.blocks * TRIED_BLOCKS));
  const techniques = plus.techniques.filter((technique) => technique !== 'sweeps');
  const tried: SegmentLosses[] = [];
  for (const [index, strength] of STRENGTHS.entries()) {
    const { perplexity } = await quantizeModel({
      checkpoint: run.checkpoint,
      pool: run.pool,
      settings: { ...run.settings, plus: { ...plus, techniques, strength } },
      plan: run.plan,
      segments,
      windows: heldOut,
      firstBlocks,
      memory: run.memory,
      signal: run.signal,
      onProgress: ({ done, total, unit, detail = '' }) =>
        run.onProgress?.({
          phase: 'Choosing the strength of corrections',
          done: index * total + done,
          total: STRENGTHS.length * total,
          unit,
          detail: `strength ${strength}, ${detail}`,
        }),
      onMatrix: () => Promise.resolve(),
    });
    if (perplexity === undefined) throw new ClaqError('program/fault', 'A trial was not evaluated');
    tried.push({ strength, nll: perplexity.windowNll });
  }
  return leastOfTheBest(tried);
}

/** Mean negative log-likelihoods of the held-out segments' tokens with one strength, in nats. */
interface SegmentLosses {
  readonly strength: number;
  readonly nll: readonly number[];
}

/**
 * The least strength that is not worse than the best by more than the standard error of their difference.
 * @param tried ascending, at least one
 */
export function leastOfTheBest(tried: readonly SegmentLosses[]): ChosenStrength {
  const best = tried.reduce((least, each) => (mean(each.nll) < mean(least.nll) ? each : least));
  const trials = tried.map(({ strength, nll }) => {
    const worse = nll.map((value, segment) => value - (best.nll[segment] ?? 0));
    return { strength, nll: mean(nll), standardError: standardErrorOf(worse) };
  });
  const chosen = trials.find(({ nll, standardError }) => nll - mean(best.nll) <= standardError);
  return { strength: chosen?.strength ?? best.strength, trials };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function standardErrorOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
