/** What numpy makes of some matrices' columns (tests/golden/make_column_statistics.py). */
import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import { readArrays } from '../../../main/engine/checkpoint/array-file.ts';
import type { MeasuredColumns } from '../../../main/engine/inspect/measure-columns.ts';
import { matrixName } from '../../../shared/model.ts';

const FOLDER = join(import.meta.dirname, '../../golden/column-statistics');
const resultSchema = z.object({
  s_values: z.array(z.number()),
  mean_magnitudes: z.record(z.string(), z.number()),
});

/** Rounding of float64 sums to float32, whatever their order. */
const ROUNDING = 2 ** -23;

/** Expects the matrices that the golden file `name` has to be as it says: counts exactly, moments to float32's rounding. */
export async function expectGolden(name: string, measured: readonly MeasuredColumns[]): Promise<void> {
  const golden = await readArrays(join(FOLDER, `${name}.safetensors`));
  const result = resultSchema.parse(JSON.parse(golden.metadata.get('result') ?? ''));
  for (const [matrix, mean] of Object.entries(result.mean_magnitudes)) {
    const found = measured.find(({ block, kind }) => matrixName(block, kind) === `model.${matrix}`);
    if (found === undefined) throw new Error(`${matrix} was not measured`);
    expect(Math.abs(found.meanMagnitude / mean - 1)).toBeLessThan(1e-14);
    expect(found.maxima).toEqual(golden.f32(`${matrix}.maxima`));
    for (const moment of ['energies', 'means', 'variances'] as const) {
      const expected = golden.f32(`${matrix}.${moment}`);
      const values = found[moment];
      expect(values).toHaveLength(expected.length);
      const furthest = values.reduce(
        (most, value, column) => Math.max(most, Math.abs(value / (expected[column] ?? NaN) - 1)),
        0,
      );
      expect(furthest, `${matrix} ${moment}`).toBeLessThanOrEqual(ROUNDING);
    }
    const outliers = golden.i32(`${matrix}.outliers`);
    for (const [level, s] of result.s_values.entries()) {
      const counts = outliers.subarray(level * found.columns, (level + 1) * found.columns);
      expect([...(found.outliers[found.sValues.indexOf(s)] ?? [])], `${matrix} at ${s}`).toEqual([...counts]);
    }
  }
}
