/**
 * What CLAQ+ decides of every matrix before a run, what its columns get and what its rows weigh: computed once, and kept in the
 * run's folder for when the run goes on.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type ColumnPlan, MAX_WIDTH, MIN_WIDTH } from '../../shared/budget.ts';
import { ClaqError } from '../../shared/errors.ts';
import {
  MATRIX_KINDS,
  type MatrixKind,
  type MatrixShape,
  type ModelDescription,
  matrixShape,
} from '../../shared/model.ts';
import { systemErrorCode } from '../../shared/system-error.ts';
import { outputErrors, writeTextAtomically } from '../engine/checkpoint/atomic-file.ts';
import { allocatedPlan } from '../engine/claq/allocation.ts';
import type { MatrixPlan } from '../engine/plan-model.ts';

export const PLANS_FILE = 'columns.json';
const PLANS_VERSION = 2;

const base64 = z.base64();
const plansSchema = z.strictObject({
  version: z.literal(PLANS_VERSION),
  /** One entry for each matrix, blocks in order and in a block in the order of MATRIX_KINDS. */
  matrices: z.array(
    z.strictObject({
      block: z.int().min(0),
      kind: z.enum(MATRIX_KINDS),
      /** What the model's loss feels of an error in the matrix's output. */
      sensitivity: z.number(),
      /** Where columns are allocated: uint8 [columns], and uint32 little-endian [columns] of entries that are reserved. */
      columns: z.strictObject({ widths: base64, reserved: base64 }).nullable(),
      /** Where rows weigh differently: float32 little-endian [rows]. */
      rowWeights: base64.nullable(),
    }),
  ),
});

type WrittenColumns = NonNullable<z.infer<typeof plansSchema>['matrices'][number]['columns']>;

export type PlanOfMatrix = (block: number, kind: MatrixKind) => Pick<MatrixPlan, 'plan' | 'rowWeights'>;

/** Those of an earlier session, or those that `compute` makes, which then are in the folder. */
export async function columnPlans(
  folder: string,
  model: ModelDescription,
  compute: () => Promise<readonly MatrixPlan[]>,
): Promise<PlanOfMatrix> {
  const path = join(folder, PLANS_FILE);
  const known = await readPlans(path, model);
  if (known !== undefined) return lookUp(known);
  const made = await compute();
  await outputErrors(folder, () => writeTextAtomically(path, `${JSON.stringify(written(made))}\n`));
  return lookUp(made);
}

function lookUp(plans: readonly MatrixPlan[]): PlanOfMatrix {
  const byMatrix = new Map(
    plans.map(({ block, kind, plan, rowWeights }) => [`${block} ${kind}`, { plan, rowWeights }]),
  );
  return (block, kind) => {
    const plan = byMatrix.get(`${block} ${kind}`);
    if (plan === undefined) throw new RangeError(`no plan of ${kind} in block ${block}`);
    return plan;
  };
}

function written(plans: readonly MatrixPlan[]): z.infer<typeof plansSchema> {
  return {
    version: PLANS_VERSION,
    matrices: plans.map(({ block, kind, sensitivity, plan, rowWeights }) => ({
      block,
      kind,
      sensitivity,
      columns: plan === undefined ? null : writtenColumns(plan),
      rowWeights: rowWeights === undefined ? null : inBase64(rowWeights),
    })),
  };
}

function writtenColumns({ widths, reservedLow, reservedHigh }: ColumnPlan): WrittenColumns {
  const reserved = Uint32Array.from(reservedLow, (low, column) => low + (reservedHigh[column] ?? 0));
  return { widths: inBase64(widths), reserved: inBase64(reserved) };
}

function inBase64({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/** Undefined where there is none yet. Throws ClaqError result/malformed. */
async function readPlans(path: string, model: ModelDescription): Promise<MatrixPlan[] | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return planned(plansSchema.parse(JSON.parse(text)), model);
  } catch (cause) {
    throw new ClaqError('result/malformed', 'What was decided for the columns cannot be read', {
      where: path,
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: 'begin the run anew with --restart',
      cause,
    });
  }
}

function planned({ matrices }: z.infer<typeof plansSchema>, model: ModelDescription): MatrixPlan[] {
  const expected = model.blocks * MATRIX_KINDS.length;
  if (matrices.length !== expected)
    throw new RangeError(`${matrices.length} matrices instead of ${expected}`);
  return matrices.map(({ block, kind, sensitivity, columns, rowWeights }) => {
    const where = `${kind} of block ${block}`;
    const shape = matrixShape(model, kind);
    return {
      block,
      kind,
      sensitivity,
      plan: columns === null ? undefined : plannedColumns(columns, shape, where),
      rowWeights: rowWeights === null ? undefined : weightsOfRows(rowWeights, shape, where),
    };
  });
}

function plannedColumns(
  { widths, reserved }: WrittenColumns,
  { rows, columns }: MatrixShape,
  where: string,
): ColumnPlan {
  const ofWidths = Uint8Array.from(Buffer.from(widths, 'base64'));
  const counts = Buffer.from(reserved, 'base64');
  if (ofWidths.length !== columns || counts.length !== 4 * columns) {
    throw new RangeError(`${where} has ${columns} columns`);
  }
  const ofReserved = Int32Array.from({ length: columns }, (_, column) => counts.readUInt32LE(4 * column));
  const isPossible =
    ofWidths.every((width) => width >= MIN_WIDTH && width <= MAX_WIDTH) &&
    ofReserved.every((count) => count >= 0 && count <= rows && count % 2 === 0);
  if (!isPossible) throw new RangeError(`${where} has a column that cannot be`);
  return allocatedPlan({ widths: ofWidths, reserved: ofReserved });
}

function weightsOfRows(text: string, { rows }: MatrixShape, where: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== 4 * rows) throw new RangeError(`${where} has ${rows} rows`);
  const weights = Float32Array.from({ length: rows }, (_, row) => bytes.readFloatLE(4 * row));
  if (!weights.every((weight) => weight > 0 && Number.isFinite(weight))) {
    throw new RangeError(`${where} has a row whose weight cannot be`);
  }
  return weights;
}
