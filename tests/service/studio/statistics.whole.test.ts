import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { matricesOf } from '../../../main/service/statistics/column-tasks.ts';
import { filesKey } from '../../../main/service/statistics/files-key.ts';
import type { Studio } from '../../../main/service/studio/studio.ts';
import { openStore } from '../../../main/service/store/store.ts';
import { readMatrix } from '../../../main/engine/result/matrix-file.ts';
import type { ActivityId } from '../../../shared/activity.ts';
import { decodeForetold } from '../../../shared/compare-budgets.ts';
import type { ModelCard } from '../../../shared/library.ts';
import { MATRIX_GROUPS, matrixName, matrixShape } from '../../../shared/model.ts';
import { float32Of, uint16Of, uint32Of } from '../../../shared/number-text.ts';
import { OUTLIER_LEVELS } from '../../../shared/outlier-levels.ts';
import { outlierOrder } from '../../../shared/outlier-order.ts';
import type { RunDetail } from '../../../shared/runs.ts';
import { plainStatistics } from '../../oracle/column-statistics.ts';
import { QUICK_TEXTS, writeTinyModel } from '../tiny-model.ts';
import { type StudioClient, openTestStudio } from './open-test-studio.ts';

let folder: string;
let studio: Studio;
let client: StudioClient;
let model: ModelCard;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'claq-test-')));
  ({ studio, client } = await openTestStudio(join(folder, 'data')));
  model = await client.models.addFolder({
    folder: await writeTinyModel(join(folder, 'model'), { blocks: 2 }),
  });
});
afterEach(async () => {
  await studio.close();
  await rm(folder, { recursive: true });
});

async function done(activity: ActivityId | null): Promise<void> {
  if (activity === null) return;
  for await (const list of await client.activities.watch()) {
    const found = list.find(({ id }) => id === activity);
    if (found?.state === 'done') return;
    if (found !== undefined && found.error !== null) throw new Error(found.error.message);
  }
}

async function measured(): Promise<void> {
  await done((await client.statistics.measure({ id: model.id })).activity);
}

async function completeRun(): Promise<RunDetail> {
  const choices = { budget: { bits: 2.12 }, ...QUICK_TEXTS };
  const { id } = await client.runs.start({ modelId: model.id, choices });
  for await (const event of await client.runs.watch({ id })) {
    if (event.kind !== 'run') continue;
    if (event.run.state === 'complete') return event.run;
    if (event.run.state === 'failed') throw new Error(event.run.error?.message);
  }
  throw new Error('the run was never complete');
}

describe('a real model', () => {
  it('has the statistics that its weights have', async () => {
    await measured();
    const checkpoint = await openCheckpoint(model.folder);
    try {
      for (const { block, kind } of matricesOf(model.description)) {
        const weights = await checkpoint.read(`${matrixName(block, kind)}.weight`);
        const shape = matrixShape(model.description, kind);
        const plain = plainStatistics(weights, shape, OUTLIER_LEVELS);
        const found = await client.statistics.matrix({ id: model.id, block, kind });
        expect(found.meanMagnitude).toBe(plain.meanMagnitude);
        expect(float32Of(found.maxima)).toEqual(plain.maxima);
        const outliers = uint32Of(found.outliers);
        for (const [level, columns] of plain.outliers.entries()) {
          const counts = outliers.subarray(level * shape.columns, (level + 1) * shape.columns);
          if (level < found.levels) expect(counts).toEqual(columns);
          else expect(columns.every((count) => count === 0)).toBe(true);
        }
      }
    } finally {
      await checkpoint.close();
    }
  });

  it('shows entries and columns as they are in its file', async () => {
    await measured();
    const address = { id: model.id, block: 1, kind: 'gate' as const };
    const { meanMagnitude } = await client.statistics.matrix(address);
    const checkpoint = await openCheckpoint(model.folder);
    const weights = await checkpoint.read(`${matrixName(1, 'gate')}.weight`);
    await checkpoint.close();
    const entries = await client.statistics.entries({ ...address, rows: [3, 5], columns: [0, 192] });
    const expected = weights.subarray(3 * 192, 5 * 192).map((weight) => Math.abs(weight) / meanMagnitude);
    expect(float32Of(entries.values)).toEqual(expected);
    const column = await client.statistics.column({ ...address, column: 7, tailShare: 0 });
    const values = weights.filter((_, at) => at % 192 === 7);
    expect(float32Of(column.sorted)).toEqual(values.toSorted());
  });

  it('is analysed, each column at all widths and shares', async () => {
    await done((await client.budgets.analyse({ id: model.id })).activity);
    const profile = await client.budgets.profile({ id: model.id, s: 4 });
    if (profile === null) throw new Error('the model is not analysed');
    const sums = float32Of(profile.sums);
    const energies = float32Of(profile.energies);
    for (const [matrix, energy] of energies.entries()) {
      const all = sums.subarray((matrix * 65 + 64) * 30, (matrix * 65 + 65) * 30);
      // What a bit makes of the error, and what reserving does.
      expect(all[0]).toBeLessThan(0.45 * energy);
      for (let width = 1; width < 5; width++) {
        expect(all[width]).toBeLessThan(0.45 * (all[width - 1] ?? NaN));
        expect(all[25 + width]).toBeLessThan(all[width] ?? NaN);
      }
    }
    const budgets = [{ low: 2, high: 4, headShare: 0.014, restShare: 0.004 }];
    const curves = await client.budgets.benefit({ id: model.id, budgets });
    expect(curves?.curves.map((curve) => float32Of(curve).length)).toEqual([14 * 65 * 2]);
  });
});

describe('a run', () => {
  it('leaves what its calibration saw, which then breaks ties and weighs errors', async () => {
    await done((await client.budgets.analyse({ id: model.id })).activity);
    const before = await client.budgets.profile({ id: model.id, s: 4 });
    expect(before).toMatchObject({ tieRule: 'max-weight', weighting: 'none' });
    const run = await completeRun();
    const after = await client.budgets.profile({ id: model.id, s: 4 });
    expect(after).toMatchObject({ tieRule: 'hessian-diagonal', weighting: 'calibrated' });

    const library = openStore(join(folder, 'data', 'library.sqlite'));
    try {
      const { id: modelId } = model;
      const key = await filesKey(model.folder);
      const calibration = library.calibrations.latest(modelId, key);
      if (calibration === undefined) throw new Error('nothing was calibrated');
      const expected: number[] = [];
      for (const place of matricesOf(model.description)) {
        const [first] = MATRIX_GROUPS.find((kinds) => kinds.some((kind) => kind === place.kind)) ?? ['q'];
        const group = library.calibrations.group(calibration, place.block, first);
        const found = await client.statistics.matrix({ id: modelId, ...place });
        expect(found.tieRule).toBe('hessian-diagonal');
        expect(float32Of(found.ties)).toEqual(group?.diagonal);
        expect(group?.diagonal.every((value) => value > 0)).toBe(true);
        // D is at most the damped diagonal.
        const [diagonal = [], sensitivity = []] = [group?.diagonal, group?.sensitivity].map((each) => [
          ...(each ?? []),
        ]);
        const damping = 0.02 * (diagonal.reduce((sum, value) => sum + value, 0) / diagonal.length);
        for (const [column, value] of sensitivity.entries()) {
          expect(value).toBeGreaterThan(0);
          expect(value).toBeLessThan((diagonal[column] ?? NaN) + damping);
        }
        const counts = library.columnStatistics.counts(modelId, key, place, 8);
        const ties = { rule: 'hessian-diagonal', values: float32Of(found.ties) } as const;
        expected.push(
          ...outlierOrder(Uint32Array.from(counts ?? group?.diagonal.map(() => 0) ?? []), ties).columns,
        );
      }
      const orders = await client.statistics.orders({ id: modelId, s: OUTLIER_LEVELS[8] ?? NaN });
      expect([...uint16Of(orders.columns)]).toEqual(expected);
    } finally {
      library.close();
    }

    // What is foretold of a matrix at 2 bits is near to what the run says that it lost: compensation takes off some of it.
    if (after === null) throw new Error('the model is not analysed');
    const sums = float32Of(after.sums);
    for (const [matrix, { loss }] of run.matrices.entries()) {
      const foretold = sums[(matrix * 65 + 64) * 30 + 1] ?? NaN;
      expect((loss ?? NaN) / foretold).toBeGreaterThan(0.2);
      expect((loss ?? NaN) / foretold).toBeLessThan(1.5);
    }
  });

  it('gives columns what an analysis foretells, and what its own calibration foretells still nearer', async () => {
    await done((await client.budgets.analyse({ id: model.id })).activity);
    const request = { id: model.id, budget: { bits: 2.12 }, overrides: [] };
    const before = await client.budgets.foretellColumns(request);
    const run = await completeRun();
    const after = await client.budgets.foretellColumns(request);
    expect([before?.weighting, after?.weighting]).toEqual(['none', 'calibrated']);
    const alike = await Promise.all(
      [before, after].map(async (told) => {
        if (told === null) throw new Error('the model is not analysed');
        const { matrices } = decodeForetold(model.description, told);
        let [same, all] = [0, 0];
        for (const [index, { block, kind }] of matricesOf(model.description).entries()) {
          const { matrix } = await readMatrix(
            join(run.folder, 'matrices', `${matrixName(block, kind)}.safetensors`),
          );
          all += matrix.columns;
          for (let column = 0; column < matrix.columns; column++) {
            const reserved = (matrix.reservedStart[column + 1] ?? 0) - (matrix.reservedStart[column] ?? 0);
            const foretold = matrices[index];
            const isSame =
              matrix.widths[column] === foretold?.widths[column] && reserved === foretold?.reserved[column];
            if (isSame) same += 1;
          }
        }
        return same / all;
      }),
    );
    expect(alike[0]).toBeGreaterThan(0.5);
    expect(alike[1]).toBeGreaterThan(0.95);
  });

  it('goes on beside a walk over the columns, which has kernel threads of its own', async () => {
    const running = completeRun();
    await done((await client.budgets.analyse({ id: model.id })).activity);
    expect((await running).matricesDone).toBe(14);
    expect(await client.budgets.profile({ id: model.id, s: 13 })).not.toBeNull();
  });
});
