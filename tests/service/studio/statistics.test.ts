import { stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelCard } from '../../../shared/library.ts';
import { float32Of, uint16Of, uint32Of } from '../../../shared/number-text.ts';
import { outlierOrder } from '../../../shared/outlier-order.ts';
import { budgetChoicesSchema } from '../../../shared/requests.ts';
import type { StatisticsEvent } from '../../../shared/statistics.ts';
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

async function touch(): Promise<void> {
  await utimes(join(model.folder, 'model.safetensors'), 1000, 1000);
}

/** A watcher's events one by one. */
async function eventsOf(): Promise<{ next: () => Promise<StatisticsEvent>; end: () => Promise<void> }> {
  const watch = await client.statistics.watch(id);
  return {
    next: async () => {
      const { value, done } = await watch.next();
      if (done === true) throw new Error('nothing more was told');
      return value;
    },
    end: async () => {
      await watch.return(undefined);
    },
  };
}

async function firstEvent(): Promise<StatisticsEvent> {
  const { next, end } = await eventsOf();
  const event = await next();
  await end();
  return event;
}

describe('measuring', () => {
  it('is one activity for all who ask, and none where everything is known', async () => {
    const [first, second] = await Promise.all([client.statistics.measure(id), client.statistics.measure(id)]);
    expect(second).toEqual(first);
    const walk = await columns.walk(0);
    expect(walk.request).toEqual({ model: model.folder, skip: [], threads: undefined });
    findAll(walk);
    walk.finish();
    expect(await activityIn(client, first.activity, 'done')).toMatchObject({
      kind: 'measure',
      title: 'model, columns',
      modelId: model.id,
    });
    expect(await client.statistics.measure(id)).toEqual({ activity: null });
    expect(columns.count).toBe(1);
  });

  it('goes on behind what is known', async () => {
    const [first, second] = places;
    if (first === undefined || second === undefined) throw new Error('the model has no matrices');
    const { activity } = await client.statistics.measure(id);
    const walk = await columns.walk(0);
    walk.find(model.description, first);
    walk.find(model.description, second);
    if (activity !== null) await client.activities.cancel({ id: activity });
    await activityIn(client, activity, 'cancelled');
    await client.statistics.measure(id);
    expect((await columns.walk(1)).request.skip).toEqual([first, second]);
  });

  it('begins anew where the weights are others', async () => {
    await studio.measureAll();
    await touch();
    expect(await firstEvent()).toMatchObject({ kind: 'overview', total: 7, matrices: [] });
    await client.statistics.measure(id);
    expect((await columns.walk(1)).request.skip).toEqual([]);
  });

  it('fails where the weights change meanwhile', async () => {
    const { activity } = await client.statistics.measure(id);
    const walk = await columns.walk(0);
    await touch();
    walk.finish();
    expect((await activityIn(client, activity, 'failed')).error).toMatchObject({ code: 'model/changed' });
  });

  it('keeps nothing of weights that changed meanwhile, also when they are as before again', async () => {
    const file = join(model.folder, 'model.safetensors');
    const { mtime } = await stat(file);
    const { activity } = await client.statistics.measure(id);
    const walk = await columns.walk(0);
    findAll(walk);
    await touch();
    walk.finish();
    await activityIn(client, activity, 'failed');
    await utimes(file, mtime, mtime);
    expect(await firstEvent()).toMatchObject({ matrices: [] });
  });

  it('ends with the model', async () => {
    const { activity } = await client.statistics.measure(id);
    await columns.walk(0);
    const events: StatisticsEvent[] = [];
    const told = Promise.withResolvers<undefined>();
    const watching = (async () => {
      for await (const event of await client.statistics.watch(id)) {
        events.push(event);
        told.resolve(undefined);
      }
    })();
    await Promise.race([told.promise, watching]);
    await client.models.remove(id);
    await activityIn(client, activity, 'cancelled');
    await watching;
    expect(events[0]).toMatchObject({ measuring: activity });
    expect(await codeOf(client.statistics.measure(id))).toBe('library/not-found');
  });
});

describe('those who watch', () => {
  it('are told everything first, then each matrix, and everything again at the end', async () => {
    const { next, end } = await eventsOf();
    expect(await next()).toMatchObject({ kind: 'overview', measuring: null, matrices: [] });
    const { activity } = await client.statistics.measure(id);
    expect(await next()).toMatchObject({ kind: 'overview', measuring: activity, matrices: [] });
    const walk = await columns.walk(0);
    const [first, ...others] = places;
    if (first !== undefined) walk.find(model.description, first);
    const { kind, matrices } = await next();
    expect(kind).toBe('matrices');
    expect(matrices).toMatchObject([{ block: 0, kind: 'q', rows: 192, columns: 192 }]);
    for (const place of others) walk.find(model.description, place);
    walk.finish();
    // The others may come in a message of their own, or with everything at the end.
    let last = await next();
    if (last.kind === 'matrices') last = await next();
    expect(last).toMatchObject({ kind: 'overview', measuring: null });
    expect(last.matrices).toHaveLength(7);
    await end();
    await activityIn(client, activity, 'done');
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
    const { activity } = await client.statistics.measure(id);
    expect(await begun).toBe('statistics');
    (await columns.walk(0)).finish();
    await activityIn(client, activity, 'done');
    expect(await nextTopic()).toBe('statistics');
    await client.budgets.save({ name: 'small', choices: budgetChoicesSchema.parse({}) });
    expect(await nextTopic()).toBe('budgets');
    await changes.return(undefined);
  });
});

describe('what is measured', () => {
  it('is given column by column', async () => {
    await studio.measureAll();
    const found = await client.statistics.matrix({ ...id, block: 0, kind: 'down' });
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
    await studio.measureAll();
    const found = await client.statistics.orders({ ...id, s: 3.1 });
    expect(found).toMatchObject({ s: 3, tieRule: 'max-weight' });
    const expected = places.flatMap((place) => {
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
    await studio.measureAll();
    const { next, end } = await eventsOf();
    expect((await next()).matrices).toHaveLength(7);
    const told = next();
    await touch();
    const address = { ...id, block: 0, kind: 'q' as const };
    expect(await codeOf(client.statistics.matrix(address))).toBe('statistics/not-measured');
    expect((await told).matrices).toEqual([]);
    await end();
    expect(await firstEvent()).toMatchObject({ measuring: null, matrices: [] });
  });

  it('of files that are others by now is forgotten where the measuring is called off', async () => {
    const { next, end } = await eventsOf();
    await next();
    const { activity } = await client.statistics.measure(id);
    expect(await next()).toMatchObject({ measuring: activity });
    const walk = await columns.walk(0);
    const [first] = places;
    if (first !== undefined) walk.find(model.description, first);
    expect((await next()).matrices).toHaveLength(1);
    await touch();
    if (activity !== null) await client.activities.cancel({ id: activity });
    expect(await next()).toMatchObject({ kind: 'overview', measuring: null, matrices: [] });
    await end();
    await activityIn(client, activity, 'cancelled');
  });

  it('is said to be missing', async () => {
    const address = { ...id, block: 0, kind: 'q' as const };
    for (const call of [
      () => client.statistics.matrix(address),
      () => client.statistics.orders({ ...id, s: 3 }),
      () => client.statistics.entries({ ...address, rows: [0, 1], columns: [0, 1] }),
      () => client.statistics.column({ ...address, column: 0, tailShare: 0 }),
    ]) {
      expect(await codeOf(call())).toBe('statistics/not-measured');
    }
    await studio.measureAll();
    expect(await codeOf(client.statistics.matrix({ ...address, block: 1 }))).toBe('statistics/not-measured');
    const outside = { ...address, rows: [0, 193] as [number, number], columns: [0, 1] as [number, number] };
    expect(await codeOf(client.statistics.entries(outside))).toBe('request/invalid');
  });
});
