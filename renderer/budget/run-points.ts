/** Complete runs beside what was predicted of them. */
import type { ErrorWeighting } from '../../shared/loss-profile.ts';
import { rankCorrelation } from '../../shared/rank-correlation.ts';

export interface PredictedRun {
  /** `Run 7, 2.12` */
  readonly name: string;
  readonly storedBits: number;
  /** GPTQ's, of all matrices. */
  readonly loss: number;
  /** Of the same budget under the same order. */
  readonly predicted: number;
}

/** Fewer runs than this have no order to speak of. */
const LEAST_RUNS = 3;

/** What true losses are multiplied with to stand on the axis of the predicted: 1 where these are weighted by the calibration. */
export function runScale(runs: readonly PredictedRun[], weighting: ErrorWeighting): number {
  if (weighting === 'calibrated' || runs.length === 0) return 1;
  const ratios = runs.map(({ predicted, loss }) => predicted / loss).sort((a, b) => a - b);
  const middle = (ratios.length - 1) / 2;
  return ((ratios[Math.floor(middle)] ?? 1) + (ratios[Math.ceil(middle)] ?? 1)) / 2;
}

/** Undefined where there are too few runs, or all are alike. */
export function runCorrelation(runs: readonly PredictedRun[]): number | undefined {
  if (runs.length < LEAST_RUNS) return undefined;
  const correlation = rankCorrelation(
    runs.map(({ predicted }) => predicted),
    runs.map(({ loss }) => loss),
  );
  return Number.isNaN(correlation) ? undefined : correlation;
}

/** What is to be known of the runs in the picture, in a sentence or two; undefined without any. */
export function runsWords(runs: readonly PredictedRun[], weighting: ErrorWeighting): string | undefined {
  if (runs.length === 0) return undefined;
  const correlation = runCorrelation(runs);
  const order =
    correlation === undefined
      ? `Rank correlation of predicted and true loss: from ${LEAST_RUNS} different runs on`
      : `Rank correlation of predicted and true loss over ${runs.length} runs: ${correlation.toFixed(2)}`;
  return weighting === 'calibrated'
    ? `${order}.`
    : `${order}. Runs stand at their loss, scaled by the median ratio of predicted to true.`;
}
