/** A studio with a tiny model whose columns are walked over as a test says. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MatrixAt } from '../../../main/engine/inspect/stored-matrix.ts';
import { matricesOf } from '../../../main/service/statistics/column-tasks.ts';
import type { ActivityId } from '../../../shared/activity.ts';
import type { ModelCard, ModelId } from '../../../shared/library.ts';
import { writeTinyModel } from '../tiny-model.ts';
import { ControlledColumns, type ControlledWalk } from './controlled-columns.ts';
import { type StudioClient, activityIn, openTestStudio } from './open-test-studio.ts';

export interface ColumnStudio {
  readonly client: StudioClient;
  readonly columns: ControlledColumns;
  readonly model: ModelCard;
  readonly id: { readonly id: ModelId };
  readonly places: readonly MatrixAt[];
  /** Has the walk find all matrices. */
  findAll(walk: ControlledWalk): void;
  measureAll(): Promise<void>;
  /** Measures all columns, and analyses them. */
  analyseAll(): Promise<void>;
  close(): Promise<void>;
}

export async function openColumnStudio(): Promise<ColumnStudio> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'claq-test-')));
  const columns = new ControlledColumns();
  const { studio, client } = await openTestStudio(join(folder, 'data'), { columns: columns.run });
  const model = await client.models.addFolder({ folder: await writeTinyModel(join(folder, 'model')) });
  const id = { id: model.id };
  const places = [...matricesOf(model.description)];
  const findAll = (walk: ControlledWalk): void => {
    for (const place of places) walk.find(model.description, place);
  };
  const walkThrough = async (activity: ActivityId | null): Promise<void> => {
    const walk = await columns.walk(columns.count - 1);
    findAll(walk);
    walk.finish();
    await activityIn(client, activity, 'done');
  };
  const measureAll = async (): Promise<void> => walkThrough((await client.statistics.measure(id)).activity);
  return {
    client,
    columns,
    model,
    id,
    places,
    findAll,
    measureAll,
    analyseAll: async () => {
      await measureAll();
      await walkThrough((await client.budgets.analyse(id)).activity);
    },
    close: async () => {
      await studio.close();
      await rm(folder, { recursive: true });
    },
  };
}
