import { mkdtemp, realpath, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ORPCError, safe } from '@orpc/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { matricesOf } from '../../../main/service/statistics/column-tasks.ts';
import type { Studio } from '../../../main/service/studio/studio.ts';
import type { Activity, ActivityId } from '../../../shared/activity.ts';
import { errorPlace } from '../../../shared/analysed-errors.ts';
import { decodeForetold } from '../../../shared/compare-budgets.ts';
import { ClaqError, plainErrorSchema } from '../../../shared/errors.ts';
import type { ModelCard } from '../../../shared/library.ts';
import { float32Of, uint16Of, uint32Of } from '../../../shared/number-text.ts';
import { outlierOrder } from '../../../shared/outlier-order.ts';
import { budgetChoicesSchema } from '../../../shared/requests.ts';
import type { StatisticsEvent } from '../../../shared/statistics.ts';
import { fakeStatistics } from '../../renderer/fake-columns.ts';
import { writeTinyModel } from '../tiny-model.ts';
import { ControlledColumns } from './controlled-columns.ts';
import { type StudioClient, openTestStudio } from './open-test-studio.ts';

let folder: string;
let columns: ControlledColumns;
let studio: Studio;
let client: StudioClient;
let model: ModelCard;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'claq-test-')));
  columns = new ControlledColumns();
  ({ studio, client } = await openTestStudio(join(folder, 'data'), { columns: columns.run }));
  model = await client.models.addFolder({ folder: await writeTinyModel(join(folder, 'model')) });
});
afterEach(async () => {
  await studio.close();
  await rm(folder, { recursive: true });
});

const id = () => ({ id: model.id });
const places = () => matricesOf(model.description);

/** Code of the error of ours that a call ends with. */
async function codeOf(call: Promise<unknown>): Promise<string> {
  const { error } = await safe(call);
  if (!(error instanceof ORPCError) || error.code !== 'CLAQ')
    throw new Error(`no error of ours: ${String(error)}`);
  return plainErrorSchema.parse(error.data).code;
}

/** The activity, once it is in the state. */
async function inState(activity: ActivityId | null, state: Activity['state']): Promise<Activity> {
  for await (const list of await client.activities.watch()) {
    const found = list.find((each) => each.id === activity);
    if (found?.state === state) return found;
  }
  throw new Error(`the activity was never ${state}`);
}

async function touch(): Promise<void> {
  await utimes(join(model.folder, 'model.safetensors'), 1000, 1000);
}

async function measureAll(): Promise<void> {
  const { activity } = await client.statistics.measure(id());
  const walk = await columns.walk(columns.count - 1);
  for (const place of places()) walk.find(model.description, place);
  walk.finish();
  await inState(activity, 'done');
}

async function analyseAll(): Promise<void> {
  await measureAll();
  const { activity } = await client.budgets.analyse(id());
  const walk = await columns.walk(columns.count - 1);
  for (const place of places()) walk.find(model.description, place);
  walk.finish();
  await inState(activity, 'done');
}

async function firstEvent(): Promise<StatisticsEvent> {
  for await (const event of await client.statistics.watch(id())) return event;
  throw new Error('nothing was told');
}

describe('measuring', () => {
  it('is one activity for all who ask, and none where everything is known', async () => {
    const [first, second] = await Promise.all([
      client.statistics.measure(id()),
      client.statistics.measure(id()),
    ]);
    expect(second).toEqual(first);
    const walk = await columns.walk(0);
    expect(walk.request).toEqual({ model: model.folder, skip: [], threads: undefined });
    for (const place of places()) walk.find(model.description, place);
    walk.finish();
    expect(await inState(first.activity, 'done')).toMatchObject({
      kind: 'measure',
      title: 'model, columns',
      modelId: model.id,
    });
    expect(await client.statistics.measure(id())).toEqual({ activity: null });
    expect(columns.count).toBe(1);
  });

  it('goes on behind what is known', async () => {
    const [first, second] = places();
    if (first === undefined || second === undefined) throw new Error('the model has no matrices');
    const { activity } = await client.statistics.measure(id());
    const walk = await columns.walk(0);
    walk.find(model.description, first);
    walk.find(model.description, second);
    if (activity !== null) await client.activities.cancel({ id: activity });
    await inState(activity, 'cancelled');
    await client.statistics.measure(id());
    expect((await columns.walk(1)).request.skip).toEqual([first, second]);
  });

  it('begins anew where the weights are others', async () => {
    await measureAll();
    await touch();
    expect(await firstEvent()).toMatchObject({ kind: 'overview', total: 7, matrices: [] });
    await client.statistics.measure(id());
    expect((await columns.walk(1)).request.skip).toEqual([]);
  });

  it('fails where the weights change meanwhile', async () => {
    const { activity } = await client.statistics.measure(id());
    const walk = await columns.walk(0);
    await touch();
    walk.finish();
    expect((await inState(activity, 'failed')).error).toMatchObject({ code: 'model/changed' });
  });

  it('keeps nothing of weights that changed meanwhile, also when they are as before again', async () => {
    const file = join(model.folder, 'model.safetensors');
    const { mtime } = await stat(file);
    const { activity } = await client.statistics.measure(id());
    const walk = await columns.walk(0);
    for (const place of places()) walk.find(model.description, place);
    await touch();
    walk.finish();
    await inState(activity, 'failed');
    await utimes(file, mtime, mtime);
    expect(await firstEvent()).toMatchObject({ matrices: [] });
  });

  it('ends with the model', async () => {
    const { activity } = await client.statistics.measure(id());
    await columns.walk(0);
    const events: StatisticsEvent[] = [];
    const told = Promise.withResolvers<undefined>();
    const watching = (async () => {
      for await (const event of await client.statistics.watch(id())) {
        events.push(event);
        told.resolve(undefined);
      }
    })();
    await Promise.race([told.promise, watching]);
    await client.models.remove(id());
    await inState(activity, 'cancelled');
    await watching;
    expect(events[0]).toMatchObject({ measuring: activity });
    expect(await codeOf(client.statistics.measure(id()))).toBe('library/not-found');
  });
});

describe('those who watch', () => {
  it('are told everything first, then each matrix, and everything again at the end', async () => {
    const told: string[] = [];
    const matrices: number[] = [];
    const walked = (async () => {
      for await (const event of await client.statistics.watch(id())) {
        const name = event.kind === 'matrices' ? 'matrices' : event.measuring === null ? 'idle' : 'measuring';
        const isFirst = told.at(-1) !== name;
        if (isFirst) {
          told.push(name);
          matrices.push(event.matrices.length);
        }
        const [first] = event.matrices;
        // The others may come in one message more, or with everything at the end.
        if (event.kind === 'matrices' && isFirst)
          expect(first).toMatchObject({ block: 0, kind: 'q', rows: 192, columns: 192 });
        if (name === 'idle' && event.matrices.length === 7) return;
      }
    })();
    await firstEvent();
    const { activity } = await client.statistics.measure(id());
    const walk = await columns.walk(0);
    const [first, ...others] = places();
    // Time for the news that it begins, and for that of the first matrix.
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (first !== undefined) walk.find(model.description, first);
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const place of others) walk.find(model.description, place);
    walk.finish();
    await walked;
    await inState(activity, 'done');
    expect(told).toEqual(['idle', 'measuring', 'matrices', 'idle']);
    expect(matrices).toEqual([0, 0, 1, 7]);
  });

  it('of the library are told of the beginning and the end', async () => {
    const changes = await client.program.changes();
    const nextTopic = async (): Promise<string | undefined> => {
      const { value, done } = await changes.next();
      return done === true ? undefined : value.topic;
    };
    const begun = nextTopic();
    // Whoever has begun to listen hears what comes from then on.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { activity } = await client.statistics.measure(id());
    expect(await begun).toBe('statistics');
    (await columns.walk(0)).finish();
    await inState(activity, 'done');
    expect(await nextTopic()).toBe('statistics');
    await client.budgets.save({ name: 'small', choices: budgetChoicesSchema.parse({}) });
    expect(await nextTopic()).toBe('budgets');
    await changes.return(undefined);
  });
});

describe('what is measured', () => {
  it('is given column by column', async () => {
    await measureAll();
    const found = await client.statistics.matrix({ ...id(), block: 0, kind: 'down' });
    const saved = fakeStatistics({ description: model.description, block: 0, kind: 'down' });
    expect(found).toMatchObject({
      ...{ block: 0, kind: 'down', rows: 192, columns: 512 },
      ...{ meanMagnitude: saved.meanMagnitude, levels: saved.levels, tieRule: 'max-weight' },
    });
    expect(float32Of(found.energies)).toEqual(saved.energies);
    expect(float32Of(found.variances)).toEqual(saved.variances);
    expect(float32Of(found.ties)).toEqual(saved.maxima);
    expect(uint32Of(found.outliers)).toEqual(saved.outliers);
  });

  it('puts the columns of all matrices into order, at the nearest S', async () => {
    await measureAll();
    const found = await client.statistics.orders({ ...id(), s: 3.1 });
    expect(found).toMatchObject({ s: 3, tieRule: 'max-weight' });
    const expected = places().flatMap((place) => {
      const {
        outliers,
        maxima,
        columns: count,
      } = fakeStatistics({ description: model.description, ...place });
      const level = outliers.slice(4 * count, 5 * count);
      return [...outlierOrder(level, { rule: 'max-weight', values: maxima }).columns];
    });
    expect([...uint16Of(found.columns)]).toEqual(expected);
  });

  it('is nothing any more once the files are seen to be others, and whoever watches is told', async () => {
    await measureAll();
    const told: number[] = [];
    const watching = (async () => {
      for await (const event of await client.statistics.watch(id())) {
        told.push(event.matrices.length);
        if (event.matrices.length === 0) return;
      }
    })();
    await firstEvent();
    await touch();
    const address = { ...id(), block: 0, kind: 'q' as const };
    expect(await codeOf(client.statistics.matrix(address))).toBe('statistics/not-measured');
    await watching;
    expect(told).toEqual([7, 0]);
    expect(await firstEvent()).toMatchObject({ measuring: null, matrices: [] });
  });

  it('is said to be missing', async () => {
    const address = { ...id(), block: 0, kind: 'q' as const };
    for (const call of [
      () => client.statistics.matrix(address),
      () => client.statistics.orders({ ...id(), s: 3 }),
      () => client.statistics.entries({ ...address, rows: [0, 1], columns: [0, 1] }),
      () => client.statistics.column({ ...address, column: 0, tailShare: 0 }),
    ]) {
      expect(await codeOf(call())).toBe('statistics/not-measured');
    }
    await measureAll();
    expect(await codeOf(client.statistics.matrix({ ...address, block: 1 }))).toBe('statistics/not-measured');
    const outside = { ...address, rows: [0, 193] as [number, number], columns: [0, 1] as [number, number] };
    expect(await codeOf(client.statistics.entries(outside))).toBe('request/invalid');
  });
});

describe('analysing', () => {
  it('waits for the statistics where they are missing, and is known afterwards', async () => {
    expect(await client.budgets.profile({ ...id(), s: 3 })).toBeNull();
    const { activity } = await client.budgets.analyse(id());
    const measuring = await columns.walk(0);
    expect(measuring.task).toBe('measure');
    expect(await inState(activity, 'waiting')).toMatchObject({ kind: 'analyse', title: 'model, analysis' });
    expect(await client.budgets.analyse(id())).toEqual({ activity });
    for (const place of places()) measuring.find(model.description, place);
    measuring.finish();
    const analysing = await columns.walk(1);
    expect(analysing.task).toBe('analyse');
    await inState(activity, 'running');
    for (const place of places()) analysing.find(model.description, place);
    expect(columns.count).toBe(2);
    analysing.finish();
    await inState(activity, 'done');
    expect(await client.budgets.analyse(id())).toEqual({ activity: null });
    expect(await client.budgets.profile({ ...id(), s: 3 })).toMatchObject({ s: 3, weighting: 'none' });
  });

  it('fails with the statistics, and leaves them alone where it is called off itself', async () => {
    const first = await client.budgets.analyse(id());
    (await columns.walk(0)).fail(new ClaqError('weights/not-finite', 'A weight is not a number'));
    expect((await inState(first.activity, 'failed')).error).toMatchObject({ code: 'weights/not-finite' });
    const second = await client.budgets.analyse(id());
    const measuring = await columns.walk(1);
    if (second.activity !== null) await client.activities.cancel({ id: second.activity });
    await inState(second.activity, 'cancelled');
    for (const place of places()) measuring.find(model.description, place);
    measuring.finish();
    for await (const event of await client.statistics.watch(id())) {
      if (event.kind === 'overview' && event.measuring === null) break;
    }
    expect(await client.statistics.measure(id())).toEqual({ activity: null });
    expect(columns.count).toBe(2);
  });

  it('gives sums and curves of all matrices, the same each time', async () => {
    await analyseAll();
    const profile = await client.budgets.profile({ ...id(), s: 13 });
    if (profile === null) throw new Error('there is no profile');
    const energies = float32Of(profile.energies);
    const sums = float32Of(profile.sums);
    expect(energies).toHaveLength(7);
    expect(sums).toHaveLength(7 * 65 * 30);
    for (const [index, place] of places().entries()) {
      const saved = fakeStatistics({ description: model.description, ...place });
      expect(energies[index]).toBeCloseTo(
        saved.energies.reduce((sum, energy) => sum + energy, 0),
        3,
      );
    }
    expect(await client.budgets.profile({ ...id(), s: 12.9 })).toEqual(profile);
    const budget = { low: 2, high: 4, headShare: 0.014, restShare: 0.004 };
    const single = { low: 3, high: 3, headShare: 0, restShare: 0 };
    const found = await client.budgets.benefit({ ...id(), budgets: [single, budget, single] });
    const [one, two, again] = found?.curves.map(float32Of) ?? [];
    expect(two).toHaveLength(7 * 65 * 2);
    expect(again).toEqual(one);
    // All columns at width 3 without reserved entries are what the curve of width 3 alone begins with.
    expect(one?.[1]).toBeCloseTo(sums[64 * 30 + errorPlace(192, 3, 0).below] ?? NaN, 3);
  });

  it('foretells what columns get by benefit', async () => {
    const budget = { apAverage: 2.5, apWidths: [2, 4] as [number, number] };
    expect(await client.budgets.foretellColumns({ ...id(), budget, overrides: [] })).toBeNull();
    await analyseAll();
    const overrides = [
      { matrices: ['v' as const], budget: { bits: 3, orShares: [2, 1] as [number, number] } },
    ];
    const told = await client.budgets.foretellColumns({ ...id(), budget, overrides });
    if (told === null) throw new Error('nothing is foretold');
    expect(told.weighting).toBe('none');
    const counted = await client.budgets.foretell({ ...id(), budget, overrides });
    expect(counted?.matrices.map((classes) => classes.reduce((sum, each) => sum + each.columns, 0))).toEqual([
      192, 192, 192, 192, 192, 192, 512,
    ]);
    expect(new Set(counted?.matrices[2]?.map(({ width }) => width))).toEqual(new Set([3]));
    const { matrices } = decodeForetold(model.description, told);
    expect(matrices.map(({ widths }) => widths.length)).toEqual([192, 192, 192, 192, 192, 192, 512]);
    for (const [index, { kind, block }] of places().entries()) {
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
    expect(await codeOf(client.budgets.foretellColumns({ ...id(), budget: nothing, overrides: [] }))).toBe(
      'budget/contradiction',
    );
  });

  it('makes nothing for who does not wait any more', async () => {
    await analyseAll();
    const budgetOf = (headShare: number) => ({ low: 2, high: 4, headShare, restShare: 0 });
    const abandoned = new AbortController();
    const first = client.budgets.benefit({ ...id(), budgets: [budgetOf(0.01)] });
    const second = codeOf(
      client.budgets.benefit({ ...id(), budgets: [budgetOf(0.02)] }, { signal: abandoned.signal }),
    );
    const third = codeOf(client.budgets.profile({ ...id(), s: 5 }, { signal: abandoned.signal }));
    abandoned.abort();
    expect((await first)?.curves).toHaveLength(1);
    expect([await second, await third]).toEqual(['run/cancelled', 'run/cancelled']);
    expect(await codeOf(client.statistics.orders({ ...id(), s: 5 }, { signal: abandoned.signal }))).toBe(
      'run/cancelled',
    );
    const address = { ...id(), block: 0, kind: 'q' as const };
    for (const call of [
      client.budgets.foretellColumns(
        { ...id(), budget: { bits: 2.1 }, overrides: [] },
        { signal: abandoned.signal },
      ),
      client.statistics.entries({ ...address, rows: [0, 1], columns: [0, 1] }, { signal: abandoned.signal }),
      client.statistics.column({ ...address, column: 0, tailShare: 0 }, { signal: abandoned.signal }),
    ]) {
      expect(await codeOf(call)).toBe('run/cancelled');
    }
    expect(await client.budgets.profile({ ...id(), s: 5 })).toMatchObject({ s: 5 });
  });

  it('refuses a budget with the wider width first', async () => {
    await analyseAll();
    const budgets = [{ low: 4, high: 2, headShare: 0, restShare: 0 }];
    expect(await codeOf(client.budgets.benefit({ ...id(), budgets }))).toBe('request/invalid');
  });
});

it('keeps budgets under names', async () => {
  const choices = budgetChoicesSchema.parse({ budget: { bits: 2.12 } });
  const saved = await client.budgets.save({ name: ' small ', choices });
  expect(await client.budgets.list()).toEqual([{ ...saved, name: 'small', choices }]);
  await client.budgets.remove({ id: saved.id });
  expect(await client.budgets.list()).toEqual([]);
});
