/** What CLAQ+ computes beyond the plain method, in units of the plain run's parts (run-times.ts). */
import { followsOriginal, hasTechnique, takesGradients } from '../../../shared/plus.ts';
import type { ModelDescription } from '../../../shared/model.ts';
import type { TokenRuns } from '../../../shared/run-work.ts';
import type { MethodSettings } from '../../engine/claq/quantize-group.ts';
import { STRENGTHS, TRIED_BLOCKS, heldOutSegments, triedSegments } from '../../engine/held-out-strength.ts';
import { GRADIENT_TOKENS, segmentsOf, surveyTokens } from '../../engine/plan-model.ts';

/** How often each part of a plain run is done. */
export interface PlusWork {
  /** In the run itself. */
  readonly forward: number;
  readonly hessian: number;
  readonly columns: number;
  /** Before it: forward passes over the calibration text, Hessians of it, and factorizations. */
  readonly planPasses: number;
  readonly planHessians: number;
  readonly planFactors: number;
  /** Of the run in its blocks, by the trials of strengths. */
  readonly trialBlocks: number;
  /** Of the run in its blocks and with its segments. */
  readonly trialRuns: number;
  /** Forward passes of the text that is held out of the trials. */
  readonly trialPasses: number;
}

const PLAIN: PlusWork = {
  forward: 1,
  hessian: 1,
  columns: 1,
  planPasses: 0,
  planHessians: 0,
  planFactors: 0,
  trialBlocks: 0,
  trialRuns: 0,
  trialPasses: 0,
};

/** A block's gradient does its forward pass again and then twice the products; the forward pass comes before. */
const GRADIENT_PASSES = 4;
/** The products of a drift are not symmetric: twice a Hessian's. */
const DRIFT_HESSIANS = 2;
/** A sweep's products reach columns on both sides, and it fits from where codebooks are. */
const SWEEP_COLUMNS = 1.3;

export function plusWork(
  { plus }: Pick<MethodSettings, 'plus'>,
  segments: TokenRuns,
  model: ModelDescription,
): PlusWork {
  if (plus === undefined) return PLAIN;
  const allocates = hasTechnique(plus, 'allocation');
  const follows = followsOriginal(plus);
  const heldOut = heldOutSegments(segments.count);
  const left = { count: segments.count - heldOut, length: segments.length };
  const tried = follows && plus.strength === 'auto' && heldOut > 0 ? STRENGTHS.length : 0;
  const shareOf = (tokens: number): number => segmentsOf(tokens, segments) / segments.count;
  const surveyed = allocates ? shareOf(surveyTokens(model)) : 0;
  const gradients = takesGradients(plus) ? GRADIENT_PASSES * shareOf(GRADIENT_TOKENS) : 0;
  return {
    forward: follows ? 2 : 1,
    hessian: follows ? 1 + DRIFT_HESSIANS : 1,
    columns: hasTechnique(plus, 'sweeps') ? 1 + SWEEP_COLUMNS * plus.sweeps : 1,
    planPasses: surveyed + gradients,
    planHessians: surveyed,
    planFactors: allocates ? 1 : 0,
    trialBlocks: tried * TRIED_BLOCKS,
    trialRuns: (tried * TRIED_BLOCKS * triedSegments(model, left, heldOut)) / segments.count,
    trialPasses: (tried * heldOut) / segments.count,
  };
}
