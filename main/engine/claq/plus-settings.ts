import { type PlusChoices, USUAL_STRENGTH, hasTechnique } from '../../../shared/plus.ts';
import type { CorrectionStrengths } from './drift.ts';

/** What CLAQ+ does to a group of matrices, beside the plans of their columns. */
export interface PlusSettings {
  /** Rows are divided by their root mean square (row-scales.ts). */
  readonly rowScales: boolean;
  /** Centroids in bytes where that pays (byte-codebooks.ts). */
  readonly byteCodebooks: boolean;
  /** How much of the drift of the model so far a matrix makes up for (drift.ts); both 0: nothing. */
  readonly strengths: CorrectionStrengths;
  /** Of coordinate descent behind the loop (sweeps.ts). */
  readonly sweeps: number;
}

export function plusSettings(choices: PlusChoices): PlusSettings {
  const strength = choices.strength === 'auto' ? USUAL_STRENGTH : choices.strength;
  return {
    rowScales: hasTechnique(choices, 'row-scales'),
    byteCodebooks: hasTechnique(choices, 'byte-codebooks'),
    strengths: {
      asymmetric: hasTechnique(choices, 'asymmetric') ? strength : 0,
      residual: hasTechnique(choices, 'residual') ? strength : 0,
    },
    sweeps: hasTechnique(choices, 'sweeps') ? choices.sweeps : 0,
  };
}
