/** Analyses of columns, and what is foretold from them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorPlace } from '../../../shared/analysed-errors.ts';
import { decodeForetold } from '../../../shared/compare-budgets.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { ModelCard } from '../../../shared/library.ts';
import { float32Of } from '../../../shared/number-text.ts';
import { budgetChoicesSchema } from '../../../shared/requests.ts';
import { fakeStatistics } from '../../renderer/fake-columns.ts';
import { type ColumnStudio, openColumnStudio } from './column-studio.ts';
import type { ControlledColumns } from './controlled-columns.ts';
import { type StudioClient, activityIn, codeOf } from './open-test-studio.ts';

let studio: ColumnStudio;
let client: StudioClient;
let columns: ControlledColumns;
let model: ModelCard;
let id: ColumnStudio['id'];
let places: ColumnStudio['places'];
let findAll: ColumnStudio['findAll'];

beforeEach(async () => {
  studio = await openColumnStudio();
  ({ client, columns, model, id, places, findAll } = studio);
});
afterEach(() => studio.close());

describe('analysing', () => {
  it('waits for the statistics where they are missing, and is known afterwards', async () => {
    expect(await client.budgets.profile({ ...id, s: 3 })).toBeNull();
    const { activity } = await client.budgets.analyse(id);
    const measuring = await columns.walk(0);
    expect(measuring.task).toBe('measure');
    expect(await activityIn(client, activity, 'waiting')).toMatchObject({
      kind: 'analyse',
      title: 'model, analysis',
    });
    expect(await client.budgets.analyse(id)).toEqual({ activity });
    findAll(measuring);
    measuring.finish();
    const analysing = await columns.walk(1);
    expect(analysing.task).toBe('analyse');
    await activityIn(client, activity, 'running');
    findAll(analysing);
    expect(columns.count).toBe(2);
    analysing.finish();
    await activityIn(client, activity, 'done');
    expect(await client.budgets.analyse(id)).toEqual({ activity: null });
    expect(await client.budgets.profile({ ...id, s: 3 })).toMatchObject({ s: 3, weighting: 'none' });
  });

  it('fails with the statistics, and leaves them alone where it is called off itself', async () => {
    const first = await client.budgets.analyse(id);
    (await columns.walk(0)).fail(new ClaqError('weights/not-finite', 'A weight is not a number'));
    expect((await activityIn(client, first.activity, 'failed')).error).toMatchObject({
      code: 'weights/not-finite',
    });
    const second = await client.budgets.analyse(id);
    const measuring = await columns.walk(1);
    if (second.activity !== null) await client.activities.cancel({ id: second.activity });
    await activityIn(client, second.activity, 'cancelled');
    findAll(measuring);
    measuring.finish();
    for await (const event of await client.statistics.watch(id)) {
      if (event.kind === 'overview' && event.measuring === null) break;
    }
    expect(await client.statistics.measure(id)).toEqual({ activity: null });
    expect(columns.count).toBe(2);
  });

  it('gives sums and curves of all matrices, the same each time', async () => {
    await studio.analyseAll();
    const profile = await client.budgets.profile({ ...id, s: 13 });
    if (profile === null) throw new Error('there is no profile');
    const energies = float32Of(profile.energies);
    const sums = float32Of(profile.sums);
    expect(energies).toHaveLength(7);
    expect(sums).toHaveLength(7 * 65 * 30);
    for (const [index, place] of places.entries()) {
      const saved = fakeStatistics({ description: model.description, ...place });
      expect(energies[index]).toBeCloseTo(
        saved.energies.reduce((sum, energy) => sum + energy, 0),
        3,
      );
    }
    expect(await client.budgets.profile({ ...id, s: 12.9 })).toEqual(profile);
    const budget = { low: 2, high: 4, headShare: 0.014, restShare: 0.004 };
    const single = { low: 3, high: 3, headShare: 0, restShare: 0 };
    const found = await client.budgets.benefit({ ...id, budgets: [single, budget, single] });
    const [one, two, again] = found?.curves.map(float32Of) ?? [];
    expect(two).toHaveLength(7 * 65 * 2);
    expect(again).toEqual(one);
    // All columns at width 3 without reserved entries are what the curve of width 3 alone begins with.
    expect(one?.[1]).toBeCloseTo(sums[64 * 30 + errorPlace(192, 3, 0).below] ?? NaN, 3);
  });

  it('foretells what columns get by benefit', async () => {
    const budget = { apAverage: 2.5, apWidths: [2, 4] as [number, number] };
    expect(await client.budgets.foretellColumns({ ...id, budget, overrides: [] })).toBeNull();
    await studio.analyseAll();
    const overrides = [
      { matrices: ['v' as const], budget: { bits: 3, orShares: [2, 1] as [number, number] } },
    ];
    const told = await client.budgets.foretellColumns({ ...id, budget, overrides });
    if (told === null) throw new Error('nothing is foretold');
    expect(told.weighting).toBe('none');
    const counted = await client.budgets.foretell({ ...id, budget, overrides });
    expect(counted?.matrices.map((classes) => classes.reduce((sum, each) => sum + each.columns, 0))).toEqual([
      192, 192, 192, 192, 192, 192, 512,
    ]);
    expect(new Set(counted?.matrices[2]?.map(({ width }) => width))).toEqual(new Set([3]));
    const { matrices } = decodeForetold(model.description, told);
    expect(matrices.map(({ widths }) => widths.length)).toEqual([192, 192, 192, 192, 192, 192, 512]);
    for (const [index, { kind, block }] of places.entries()) {
      const { widths, reserved } = matrices[index] ?? { widths: [], reserved: [] };
      if (kind === 'v') {
        expect(new Set(widths)).toEqual(new Set([3]));
        expect(reserved.some((entries) => entries > 0)).toBe(true);
        continue;
      }
      expect(reserved.every((entries) => entries === 0)).toBe(true);
      // Of columns that err alike those with more energy are wider.
      const { energies } = fakeStatistics({ description: model.description, block, kind });
      const mean = (width: number): number => {
        const of = [...energies].filter((_, column) => widths[column] === width);
        return of.reduce((sum, energy) => sum + energy, 0) / of.length;
      };
      expect(mean(3)).toBeGreaterThan(mean(2));
    }
    const nothing = { bits: 3, orShares: [1, 0] as [number, number], orColumns: 0 };
    expect(await codeOf(client.budgets.foretellColumns({ ...id, budget: nothing, overrides: [] }))).toBe(
      'budget/contradiction',
    );
  });

  it('makes nothing for who does not wait any more', async () => {
    await studio.analyseAll();
    const budgetOf = (headShare: number) => ({ low: 2, high: 4, headShare, restShare: 0 });
    const abandoned = new AbortController();
    const first = client.budgets.benefit({ ...id, budgets: [budgetOf(0.01)] });
    const second = codeOf(
      client.budgets.benefit({ ...id, budgets: [budgetOf(0.02)] }, { signal: abandoned.signal }),
    );
    const third = codeOf(client.budgets.profile({ ...id, s: 5 }, { signal: abandoned.signal }));
    abandoned.abort();
    expect((await first)?.curves).toHaveLength(1);
    expect([await second, await third]).toEqual(['run/cancelled', 'run/cancelled']);
    expect(await codeOf(client.statistics.orders({ ...id, s: 5 }, { signal: abandoned.signal }))).toBe(
      'run/cancelled',
    );
    const address = { ...id, block: 0, kind: 'q' as const };
    for (const call of [
      client.budgets.foretellColumns(
        { ...id, budget: { bits: 2.1 }, overrides: [] },
        { signal: abandoned.signal },
      ),
      client.statistics.entries({ ...address, rows: [0, 1], columns: [0, 1] }, { signal: abandoned.signal }),
      client.statistics.column({ ...address, column: 0, tailShare: 0 }, { signal: abandoned.signal }),
    ]) {
      expect(await codeOf(call)).toBe('run/cancelled');
    }
    expect(await client.budgets.profile({ ...id, s: 5 })).toMatchObject({ s: 5 });
  });

  it('refuses a budget with the wider width first', async () => {
    await studio.analyseAll();
    const budgets = [{ low: 4, high: 2, headShare: 0, restShare: 0 }];
    expect(await codeOf(client.budgets.benefit({ ...id, budgets }))).toBe('request/invalid');
  });
});

it('keeps budgets under names', async () => {
  const choices = budgetChoicesSchema.parse({ budget: { bits: 2.12 } });
  const saved = await client.budgets.save({ name: ' small ', choices });
  expect(await client.budgets.list()).toEqual([{ ...saved, name: 'small', choices }]);
  await client.budgets.remove({ id: saved.id });
  expect(await client.budgets.list()).toEqual([]);
});
