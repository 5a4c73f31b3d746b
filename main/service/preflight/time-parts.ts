/** The parts of a run's time as people read them, in the order in which a run comes to them. */
import { describeModelBudget } from '../../../shared/model-budget.ts';
import { quantizedWeights } from '../../../shared/model.ts';
import type { Preflight } from '../../../shared/preflight.ts';
import { readableBytes } from '../../../shared/readable-quantities.ts';
import {
  type MovedBytes,
  evaluationBytesMoved,
  factorFlops,
  forwardFlops,
  headFlops,
  hessianFlops,
} from '../../../shared/run-work.ts';
import { allocates } from '../method-settings.ts';
import { readableCount, readableFlopRate, readableFlops } from './count-text.ts';
import type { Rates } from './rates.ts';
import type { Corrections } from './recorded-speed.ts';
import { type RunToTime, movedActivations, runTimes } from './run-times.ts';

type TimePart = Preflight['time']['parts'][number];

/** Seconds for texts and what else comes before the first block: a guess, too small for texts of gigabytes. */
const TEXT_SECONDS = 2;
/** Bytes a second of a dense export, which is written, read back, and compared: SmolLM2's 269 MB took 13 to 16 s of one core. */
export const EXPORT_RATE = 20e6;

export interface RunToTell extends RunToTime {
  /** Of the model's weights, all of which are hashed. */
  readonly fileBytes: number;
  /** False where its perplexity is known already. */
  readonly evaluatesOriginal: boolean;
  /** Bytes of the dense export; 0 for none. */
  readonly exportBytes: number;
  /** Bytes a second of it. */
  readonly exportRate: number;
}

export function timeParts(run: RunToTell, rates: Rates, corrections: Corrections): TimePart[] {
  const { model, segments, windows, fileBytes, exportBytes, exportRate, threads } = run;
  const times = runTimes(run, rates);
  const onCard = run.engine === 'tensorflow-gpu';
  const atRate = (flops: number, seconds: number, moved?: MovedBytes): string => {
    const way =
      moved === undefined || !onCard ? '' : `, ${readableBytes(moved.up + moved.down)} to and from the GPU`;
    return `${readableFlops(flops)} at ${readableFlopRate(flops, seconds)}${way}`;
  };
  const weights = readableCount(quantizedWeights(model), 'weights');
  const evaluation = (name: string, correction: number): TimePart => {
    const seconds = windows.count === 0 ? 0 : times.evaluate * correction;
    const flops = forwardFlops(model, windows) + headFlops(model, windows);
    const rate = atRate(flops, seconds, evaluationBytesMoved(model, windows));
    return { name, seconds, basis: `${windows.count} x ${windows.length} tokens, ${rate}` };
  };
  const moved = movedActivations(run);
  const forward = times.forward * corrections.forward;
  const hessian = times.hessian * corrections.hessian;
  const factor = times.factor * corrections.quantize;
  const parts: TimePart[] = [
    {
      name: 'Start',
      seconds: rates.start + TEXT_SECONDS + fileBytes / rates.reading,
      basis: `the engine, texts, ${readableBytes(fileBytes)} of the model hashed`,
    },
    ...(run.evaluatesOriginal ? [evaluation('Perplexity of the original', corrections.original)] : []),
    {
      name: 'Gradients and plans',
      seconds: times.allocation * corrections.forward,
      basis: allocates(run.method)
        ? `gradients, and errors of ${weights} at each width and share`
        : 'gradients alone',
    },
    {
      name: 'Strength of corrections',
      seconds: times.strength * corrections.forward,
      basis: 'a few blocks, tried with each',
    },
    {
      name: 'Forward pass',
      seconds: forward,
      basis: `${segments.count} x ${segments.length} tokens, ${atRate(
        forwardFlops(model, segments),
        forward,
        moved.forward,
      )}`,
    },
    {
      name: 'Hessians',
      seconds: hessian,
      basis: atRate(hessianFlops(model, segments), hessian, moved.hessian),
    },
    { name: 'Factorization', seconds: factor, basis: atRate(factorFlops(model), factor) },
    {
      name: 'Choice of widths',
      seconds: times.planning * corrections.quantize,
      basis: `errors of ${weights} at each width and share, ${threadCount(threads)}`,
    },
    {
      name: 'Columns',
      seconds: times.columns * corrections.quantize,
      basis: `${weights} at ${describeModelBudget(run.method.budget)}, ${threadCount(threads)}`,
    },
    { name: 'Reading and writing', seconds: times.writing, basis: `${weights} read, looked up, packed` },
    evaluation('Perplexity of the result', corrections.evaluate),
    {
      name: 'Dense export',
      seconds: exportBytes / exportRate,
      basis: `${readableBytes(exportBytes)} written and read back`,
    },
  ];
  return parts.filter(({ seconds }) => seconds > 0);
}

function threadCount(threads: number): string {
  return threads === 1 ? '1 thread' : `${threads} threads`;
}
