/** Made-up errors of all columns of a model, and what a profile would hold of them, summed plainly. */
import { ANALYSED_TAIL_SHARES, ANALYSED_WIDTHS, PROFILE_POSITIONS } from '../../shared/loss-profile.ts';
import { MATRIX_KINDS, type ModelDescription, matrixShape } from '../../shared/model.ts';
import type { DecodedLossProfile } from '../../shared/predicted-loss.ts';

/** One block; `rows` and `columns` of the large matrices. */
export function analysedModel(
  base: ModelDescription,
  blocks: number,
  rows: number,
  columns: number,
): ModelDescription {
  return {
    ...base,
    blocks,
    hiddenSize: columns,
    ffnSize: rows,
    heads: columns / 64,
    kvHeads: 1,
    headDim: 64,
  };
}

export interface AnalysedColumns {
  readonly energies: Float64Array;
  /** Weighted error of a column, in Outlier Order, at one of ANALYSED_TAIL_SHARES and a width up to 5. */
  readonly error: (column: number, share: number, width: number) => number;
}

/** Errors that fall by 3 to 5 times a bit and by up to a half with each share, most at the head of the order. */
export function analysedColumns(columns: number, seed: number): AnalysedColumns {
  const random = randomNumbers(seed);
  const energies = Float64Array.from({ length: columns }, () => 0.5 + random());
  const cells = ANALYSED_TAIL_SHARES.length * ANALYSED_WIDTHS.length;
  const errors = new Float64Array(columns * cells);
  for (let column = 0; column < columns; column++) {
    const head = Math.exp((-8 * column) / columns);
    for (const [w] of ANALYSED_WIDTHS.entries()) {
      let error = 0.4 * (energies[column] ?? 0) * (1 + 2 * head) * (3.5 + 0.5 * random()) ** -w;
      for (const [t] of ANALYSED_TAIL_SHARES.entries()) {
        errors[column * cells + t * ANALYSED_WIDTHS.length + w] = error;
        error *= 1 - (0.05 + 0.3 * head) * (0.8 + 0.2 * random());
      }
    }
  }
  return {
    energies,
    error: (column, share, width) =>
      errors[column * cells + share * ANALYSED_WIDTHS.length + width - 1] ?? Number.NaN,
  };
}

/** Of each matrix of the model, in the order of the computation. */
export function analysedMatrices(model: ModelDescription): AnalysedColumns[] {
  return Array.from({ length: model.blocks * MATRIX_KINDS.length }, (_, matrix) => {
    const kind = MATRIX_KINDS[matrix % MATRIX_KINDS.length] ?? 'q';
    return analysedColumns(matrixShape(model, kind).columns, matrix + 1);
  });
}

export function profileOf(matrices: readonly AnalysedColumns[]): DecodedLossProfile {
  const sums: number[] = [];
  const energies: number[] = [];
  for (const { energies: ofColumns, error } of matrices) {
    const columns = ofColumns.length;
    for (const position of PROFILE_POSITIONS) {
      const whole = Math.floor(position * columns);
      const part = position * columns - whole;
      for (const [share] of ANALYSED_TAIL_SHARES.entries()) {
        for (const width of ANALYSED_WIDTHS) {
          let sum = 0;
          for (let column = 0; column < whole; column++) sum += error(column, share, width);
          sums.push(part === 0 ? sum : sum + part * error(whole, share, width));
        }
      }
    }
    energies.push(ofColumns.reduce((all, energy) => all + energy, 0));
  }
  return {
    s: 13,
    tieRule: 'max-weight',
    weighting: 'none',
    sums: Float32Array.from(sums),
    energies: Float32Array.from(energies),
  };
}

/** [0, 1): a linear congruential generator (Numerical Recipes), the same on every machine. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
