/** Reports that bring arrays, which are handed over from thread to thread without a copy. */
import { z } from 'zod';
import type { GroupCalibration } from '../../../shared/calibration.ts';
import { MATRIX_KINDS } from '../../../shared/model.ts';
import { OUTLIER_LEVELS } from '../../../shared/outlier-levels.ts';
import { ANALYSED_ERRORS } from '../../../shared/analysed-errors.ts';
import type { StoredAnalysis, StoredStatistics } from '../store/store.ts';

const place = { block: z.int().min(0), kind: z.enum(MATRIX_KINDS) };
const floats = z.instanceof(Float32Array);
const columns = z.int().min(1);

function requireLength(context: z.RefinementCtx, name: string, found: number, expected: number): void {
  if (found === expected) return;
  context.addIssue({ code: 'custom', path: [name], message: `${found} values instead of ${expected}` });
}

export const statisticsSchema: z.ZodType<StoredStatistics> = z
  .strictObject({
    ...place,
    rows: z.int().min(1),
    columns,
    meanMagnitude: z.number(),
    maxMagnitude: z.number(),
    maxima: floats,
    energies: floats,
    means: floats,
    variances: floats,
    levels: z.int().min(0).max(OUTLIER_LEVELS.length),
    outliers: z.instanceof(Uint32Array),
  })
  .superRefine((matrix, context) => {
    for (const name of ['maxima', 'energies', 'means', 'variances'] as const) {
      requireLength(context, name, matrix[name].length, matrix.columns);
    }
    requireLength(context, 'outliers', matrix.outliers.length, matrix.levels * matrix.columns);
  });

export const analysisSchema: z.ZodType<StoredAnalysis> = z
  .strictObject({ ...place, columns, errors: z.instanceof(Float16Array) })
  .superRefine((matrix, context) =>
    requireLength(context, 'errors', matrix.errors.length, matrix.columns * ANALYSED_ERRORS),
  );

export const calibrationSchema: z.ZodType<GroupCalibration> = z
  .strictObject({ ...place, diagonal: floats, sensitivity: floats })
  .superRefine(({ diagonal, sensitivity }, context) =>
    requireLength(context, 'sensitivity', sensitivity.length, diagonal.length),
  );
