/** From figures to places on a colour scale, and to the ticks of its legend. */

export type ScaleKind = 'log' | 'linear';

export interface HeatScale {
  /** What the figures are shown on: `log` becomes linear where no figure is above 0. */
  readonly kind: ScaleKind;
  readonly low: number;
  readonly high: number;
  /** Place on the scale, 0..1; of a figure at or below 0 on a logarithmic scale it is 0. */
  readonly fraction: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly fraction: number }[];
}

/** More ticks than this stand too close to be read in a legend. */
const MAX_TICKS = 7;

/**
 * A scale that holds all the values. Its ends are round numbers, so that while figures come in, one after the other,
 * colours change only when a figure leaves the scale.
 * @param fromZero whether a linear scale begins at 0: for figures of which none is nothing at all
 */
export function heatScale(
  values: Iterable<number>,
  wanted: ScaleKind,
  { fromZero = true }: { readonly fromZero?: boolean } = {},
): HeatScale | undefined {
  let least = Infinity;
  let most = -Infinity;
  let leastPositive = Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
    if (value > 0) leastPositive = Math.min(leastPositive, value);
  }
  if (least > most) return undefined;
  if (wanted === 'log' && most > 0) return logScale(leastPositive, most);
  return linearScale(fromZero ? Math.min(0, least) : least, most);
}

/** Scales with the same ends and kind give every figure the same colour. */
export function sameScale(a: HeatScale | undefined, b: HeatScale | undefined): boolean {
  return a === b || (a?.kind === b?.kind && a?.low === b?.low && a?.high === b?.high);
}

function logScale(least: number, most: number): HeatScale {
  const low = roundDown(least);
  const high = Math.max(roundUp(most), roundUp(low * 1.01));
  const span = Math.log(high / low);
  const fraction = (value: number): number => (value > 0 ? Math.log(value / low) / span : 0);
  const decades = Math.log10(high / low);
  const steps = decades <= 2 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / MAX_TICKS));
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    if (power % every !== 0) continue;
    for (const step of steps) ticks.push(Number(`${step}e${power}`));
  }
  return { kind: 'log', low, high, fraction, ticks: within(ticks, fraction) };
}

function linearScale(least: number, most: number): HeatScale {
  const step = roundUp(Math.max(most - least, Math.abs(most) * 1e-6, Number.MIN_VALUE * 1e6) / 5);
  const low = rounded(Math.floor(least / step + ROUNDING) * step);
  const high = rounded(Math.max(Math.ceil(most / step - ROUNDING) * step, low + step));
  const fraction = (value: number): number => (value - low) / (high - low);
  const count = Math.round((high - low) / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) => rounded(low + index * step));
  return { kind: 'linear', low, high, fraction, ticks: within(ticks, fraction) };
}

/** The ticks that lie on the scale. */
function within(ticks: readonly number[], fraction: (value: number) => number): HeatScale['ticks'] {
  return ticks
    .map((value) => ({ value, fraction: fraction(value) }))
    .filter((tick) => tick.fraction >= -ROUNDING && tick.fraction <= 1 + ROUNDING);
}

/** What is left of exactness where steps are added up. */
const ROUNDING = 1e-9;

const ROUND_STEPS = [1, 2, 5, 10];

/** 2.4, not 2.4000000000000004. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}

/** The next 1, 2 or 5 times a power of ten that is not below the value. */
function roundUp(value: number): number {
  const power = Math.floor(Math.log10(value));
  const step = ROUND_STEPS.find((each) => Number(`${each}e${power}`) >= value * (1 - ROUNDING)) ?? 10;
  return Number(`${step}e${power}`);
}

/** The last 1, 2 or 5 times a power of ten that is not above the value. */
function roundDown(value: number): number {
  const power = Math.floor(Math.log10(value));
  const step = ROUND_STEPS.findLast((each) => Number(`${each}e${power}`) <= value * (1 + ROUNDING)) ?? 1;
  return Number(`${step}e${power}`);
}
