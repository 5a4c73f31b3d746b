/** From measured errors of codebooks to what the allocation of a model's bytes weighs (shared/allocation.ts). */
import type { AllocationMatrix, ColumnAllocation, ColumnOption } from '../../../shared/allocation-matrix.ts';
import type { CodebookForm } from '../../../shared/bits.ts';
import { MAX_WIDTH, MIN_WIDTH, type ColumnPlan } from '../../../shared/budget.ts';
import type { ColumnCandidates, ColumnErrors } from '../kernels/column-errors.ts';

/**
 * Shares of a column's entries that may be reserved, at both tails together. A reserved entry takes as much as 10 to 14 more
 * bits of codes would; the few largest of a heavy-tailed column save most, so the shares lie closer at the small end. Beyond
 * 4 % a bit more of width costs as much. Twice as many shares make less than 0.5 % of the predicted loss on SmolLM2, and take
 * twice as long to measure.
 */
export const RESERVED_SHARES = [0, 0.002, 0.01, 0.04] as const;

/**
 * Widths that are measured. The error falls by 4 with each bit beyond (Panter and Dite 1951), which puts the loss wrong by
 * less than 0.1 %, and a dynamic programme of half as many layers takes a third of the time.
 */
export const MEASURED_WIDTHS = [1, 2, 3, 4] as const;

/** What is measured of every column. */
export function allocationCandidates(rows: number): ColumnCandidates {
  const counts = RESERVED_SHARES.map((share) => Math.round((rows * share) / 2));
  return {
    widths: MEASURED_WIDTHS,
    tailCounts: [...new Set(counts)].filter((count) => count === 0 || 2 * count < rows),
  };
}

/** How much the model's loss feels a squared error in a matrix. */
export interface MatrixSensitivity {
  /** [columns]: what a squared error in a column does to the layer's output. */
  readonly columns: Float64Array;
  /** What the layer's output does to the model. */
  readonly matrix: number;
}

/**
 * All widths at all measured counts. The loss of a column is its error times both sensitivities.
 * @param measured of the columns' original weights, widths from MIN_WIDTH on, ascending; centroids in half precision, which is 3 to 6 %
 *   too little for 4 bits in bytes (shared/bits.ts), and next to nothing for fewer
 * @param form of the codebooks; where rows are scaled, the errors are those of the scaled rows
 */
export function allocationMatrix(
  measured: ColumnErrors,
  rows: number,
  sensitivity: MatrixSensitivity,
  form: CodebookForm,
): AllocationMatrix {
  const { widths, tailCounts, errors } = measured;
  const columns = sensitivity.columns.length;
  const measuredOptions = widths.length * tailCounts.length;
  if (errors.length !== columns * measuredOptions) {
    throw new TypeError(
      `${errors.length} errors of ${columns} columns with ${tailCounts.length} counts and ${widths.length} widths`,
    );
  }
  const places = tailCounts.flatMap((tail, count) =>
    offeredWidths(rows).map((width) => placeOf(width, tail, count * widths.length, widths)),
  );
  const losses = new Float32Array(columns * places.length);
  let at = 0;
  for (let column = 0; column < columns; column++) {
    const weight = sensitivity.matrix * (sensitivity.columns[column] ?? 0);
    for (const { error, factor } of places) {
      losses[at++] = weight * factor * (errors[column * measuredOptions + error] ?? 0);
    }
  }
  return { shape: { rows, columns }, form, options: places.map(({ option }) => option), losses };
}

/** A codebook with more centroids than the column has entries would be larger than the column. */
function offeredWidths(rows: number): number[] {
  const widths = Array.from({ length: MAX_WIDTH - MIN_WIDTH + 1 }, (_, i) => MIN_WIDTH + i);
  return widths.filter((width) => width === MIN_WIDTH || 2 ** width <= rows);
}

/** An option, the measured error that it starts from, and what the bits beyond take off. */
function placeOf(
  width: number,
  tail: number,
  firstError: number,
  widths: readonly number[],
): { readonly option: ColumnOption; readonly error: number; readonly factor: number } {
  const nearest = widths.findLastIndex((each) => each <= width);
  const beyond = width - (widths[nearest] ?? width);
  return {
    option: { width, reserved: 2 * tail },
    error: firstError + nearest,
    factor: 4 ** -beyond,
  };
}

/** As a plan with half of the reserved entries at each tail, as they were measured. */
export function allocatedPlan({ widths, reserved }: ColumnAllocation): ColumnPlan {
  const tails = reserved.map((count) => count / 2);
  return { widths, reservedLow: tails, reservedHigh: tails };
}
