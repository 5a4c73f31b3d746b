import type { ActivityId } from '../../../shared/activity.ts';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { ModelId } from '../../../shared/library.ts';
import { OUTLIER_LEVELS, nearestLevel } from '../../../shared/outlier-levels.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import type {
  ColumnRequest,
  ColumnView,
  Entries,
  EntriesRequest,
  MatrixAddress,
  MatrixOverview,
  MatrixStatistics,
  OutlierOrders,
  StatisticsEvent,
} from '../../../shared/statistics.ts';
import type { ThreadHooks } from '../engine-thread/run-in-thread.ts';
import { numberText } from '../number-text.ts';
import {
  type ColumnTask,
  type ColumnTaskSummary,
  includesMatrix,
  matricesOf,
} from '../statistics/column-tasks.ts';
import { KnownColumns, type KnownModel, notMeasured } from '../statistics/known-columns.ts';
import { TimeSlices } from '../statistics/time-slices.ts';
import { type StatisticsEntry, type StoredStatistics, summaryOf } from '../store/store.ts';
import type { Changes } from './changes.ts';
import {
  type ColumnWork,
  ColumnWorks,
  type ColumnWorkParts,
  type PresentModel,
  forgetOtherFiles,
  presentModel,
} from './column-work.ts';
import { OpenCheckpoints } from './open-checkpoints.ts';
import { StatisticsWatch } from './statistics-watch.ts';
import type { UserSettings } from './user-settings.ts';

/** Walks a model's columns in a thread of its own. */
export type ColumnTaskRunner = (
  task: 'measure' | 'analyse',
  request: ColumnTask,
  hooks: ThreadHooks,
) => Promise<ColumnTaskSummary>;

export interface StatisticsParts extends ColumnWorkParts {
  readonly changes: Changes;
  readonly settings: UserSettings;
  readonly perform: ColumnTaskRunner;
}

/** Models whose orders are kept at hand: two side by side. */
const MODELS_KEPT = 2;

/** What is known of the columns of the library's models, and how it is found. */
export class Statistics {
  readonly #parts: StatisticsParts;
  readonly #works: ColumnWorks;
  readonly #watch: StatisticsWatch;
  readonly #checkpoints = new OpenCheckpoints();
  /** The one that was asked last at the end. */
  #columns: KnownColumns[] = [];
  /** What the files of each model were when they were looked at last. */
  readonly #files = new Map<ModelId, string>();
  /** The weights that were read last: other reserved shares of the same column take no reading. */
  #column: { readonly name: string; readonly values: Float32Array } | undefined;

  constructor(parts: StatisticsParts) {
    this.#parts = parts;
    this.#works = new ColumnWorks(parts);
    this.#watch = new StatisticsWatch((id, filesKey) => this.#overview(id, filesKey));
  }

  /** Throws ClaqError library/not-found, and what finding the weights throws. What fails later is told by the activity. */
  async measure(id: ModelId): Promise<{ activity: ActivityId | null }> {
    return { activity: (await this.measuring(id))?.activity ?? null };
  }

  /**
   * The model with what its weights' files are now; where these are others than before, all who look at its statistics are told.
   * Throws ClaqError library/not-found, and what finding the weights throws.
   */
  async present(id: ModelId): Promise<PresentModel> {
    const present = await presentModel(this.#parts.models, id);
    const before = this.#files.get(id);
    this.#files.set(id, present.filesKey);
    if (before !== undefined && before !== present.filesKey) this.#tellOfFiles(id, present.filesKey);
    return present;
  }

  /** What measures the model, begun where something is missing; undefined where everything is known. */
  async measuring(id: ModelId): Promise<ColumnWork | undefined> {
    const { model, filesKey } = await this.present(id);
    const going = this.#works.of(id);
    if (going === undefined) forgetOtherFiles(this.#parts.store, { modelId: id, filesKey });
    if (going !== undefined || this.#isMeasured({ modelId: id, filesKey })) return going;
    return this.#works.begin({
      kind: 'measure',
      model,
      filesKey,
      work: (hooks) => this.#walk({ modelId: id, filesKey }, hooks),
      onChange: (key) => this.#tellOfFiles(id, key),
    });
  }

  /** Throws ClaqError library/not-found, and what finding the weights throws. */
  async watch(
    id: ModelId,
    signal: AbortSignal | undefined,
  ): Promise<AsyncGenerator<StatisticsEvent, undefined>> {
    const { filesKey } = await this.present(id);
    return this.#watch.watch(id, filesKey, signal);
  }

  /** Throws ClaqError statistics/not-measured. */
  async matrix({ id, block, kind }: MatrixAddress): Promise<MatrixStatistics> {
    const known = await this.present(id);
    const found = this.#parts.store.columnStatistics.read(id, known.filesKey, block, kind);
    if (found === undefined) throw notMeasured({ block, kind });
    const columns = this.#known(known);
    const { rows, meanMagnitude, levels } = found;
    return {
      block,
      kind,
      rows,
      columns: found.columns,
      meanMagnitude,
      maxima: numberText(found.maxima),
      energies: numberText(found.energies),
      means: numberText(found.means),
      variances: numberText(found.variances),
      levels,
      outliers: numberText(found.outliers),
      tieRule: columns.tieRule,
      ties: numberText(columns.ties({ block, kind }, found)),
    };
  }

  /** Throws ClaqError statistics/not-measured where a matrix is missing, and run/cancelled for who does not wait any more. */
  async orders(id: ModelId, s: number, signal?: AbortSignal): Promise<OutlierOrders> {
    const { model, ...known } = await this.present(id);
    const columns = this.#known(known);
    const level = nearestLevel(s);
    const slices = new TimeSlices();
    const orders: Uint16Array[] = [];
    for (const place of matricesOf(model.description)) {
      throwIfCancelled(signal, 'request');
      orders.push(columns.order(place, level));
      await slices.pause();
    }
    return { s: OUTLIER_LEVELS[level] ?? s, tieRule: columns.tieRule, columns: numberText(joined(orders)) };
  }

  /**
   * Throws ClaqError statistics/not-measured, request/invalid, run/cancelled for who does not wait any more, and what reading the
   * weights throws.
   */
  async entries(
    { id, block, kind, rows, columns }: EntriesRequest,
    signal: AbortSignal | undefined,
  ): Promise<Entries> {
    const { readEntries } = await import('../statistics/entries.ts');
    const { folder, filesKey, meanMagnitude } = await this.#measured({ id, block, kind });
    return await this.#checkpoints.read(folder, filesKey, (checkpoint) =>
      readEntries(checkpoint, { block, kind }, { rows, columns }, meanMagnitude, signal),
    );
  }

  /** Throws as entries() does. */
  async column(
    { id, block, kind, column, tailShare }: ColumnRequest,
    signal: AbortSignal | undefined,
  ): Promise<ColumnView> {
    const { readColumn, viewColumn } = await import('../statistics/column-view.ts');
    const { folder, filesKey, meanMagnitude } = await this.#measured({ id, block, kind });
    const name = JSON.stringify([folder, filesKey, block, kind, column]);
    const known =
      this.#column?.name === name
        ? this.#column
        : {
            name,
            values: await this.#checkpoints.read(folder, filesKey, (checkpoint) =>
              readColumn(checkpoint, { block, kind }, column, signal),
            ),
          };
    this.#column = known;
    return await viewColumn(known.values, column, { tailShare, meanMagnitude });
  }

  /** What is known of the model's columns now; undefined where a matrix is not measured. */
  ofMeasured(known: KnownModel): KnownColumns | undefined {
    return this.#isMeasured(known) ? this.#known(known) : undefined;
  }

  /** The model is taken out of the library. */
  async forget(id: ModelId, folder: string): Promise<void> {
    this.#works.of(id)?.cancel();
    this.#files.delete(id);
    this.#watch.tell(id, { kind: 'gone' });
    await this.#checkpoints.forget(folder);
  }

  async close(): Promise<void> {
    this.#watch.close();
    await this.#checkpoints.close();
  }

  #tellOfFiles(id: ModelId, filesKey: string): void {
    this.#files.set(id, filesKey);
    this.#watch.tell(id, { kind: 'changed', filesKey });
    this.#parts.changes.announce('statistics');
  }

  async #walk({ modelId, filesKey }: KnownModel, hooks: RunHooks): Promise<void> {
    const { store, models, settings, perform } = this.#parts;
    const { folder } = models.stored(modelId);
    const skip = store.columnStatistics.list(modelId, filesKey).map(({ block, kind }) => ({ block, kind }));
    const request = { model: folder, skip, threads: settings.get().threads ?? undefined };
    await perform('measure', request, {
      ...hooks,
      onStatistics: (statistics) => {
        // The model may have been taken out of the library.
        if (hooks.signal?.aborted === true) return;
        store.columnStatistics.save(modelId, filesKey, statistics);
        this.#watch.tell(modelId, { kind: 'matrix', matrix: overviewOfStored(statistics) });
      },
    });
  }

  #isMeasured({ modelId, filesKey }: KnownModel): boolean {
    const { store, models } = this.#parts;
    const measured = includesMatrix(store.columnStatistics.list(modelId, filesKey));
    return matricesOf(models.stored(modelId).description).every(measured);
  }

  #overview(id: ModelId, filesKey: string) {
    const { store, models } = this.#parts;
    return {
      measuring: this.#works.of(id)?.activity ?? null,
      total: matricesOf(models.stored(id).description).length,
      matrices: store.columnStatistics.list(id, filesKey).map(overviewOf),
    };
  }

  #known(known: KnownModel): KnownColumns {
    const found = this.#columns.find((columns) => columns.areOf(known));
    const columns = found ?? new KnownColumns(this.#parts.store, known);
    this.#columns = [...this.#columns.filter((each) => each !== columns), columns].slice(-MODELS_KEPT);
    return columns;
  }

  async #measured({ id, block, kind }: MatrixAddress) {
    const { model, filesKey } = await this.present(id);
    const entries = this.#parts.store.columnStatistics.list(id, filesKey);
    const entry = entries.find((each) => each.block === block && each.kind === kind);
    if (entry === undefined) throw notMeasured({ block, kind });
    return { folder: model.folder, filesKey, meanMagnitude: entry.meanMagnitude };
  }
}

function overviewOf({ totals, ranked, ...entry }: StatisticsEntry): MatrixOverview {
  return { ...entry, outliers: [...totals], ranked: [...ranked] };
}

function overviewOfStored(statistics: StoredStatistics): MatrixOverview {
  const { block, kind, rows, columns, meanMagnitude, maxMagnitude } = statistics;
  return overviewOf({
    ...{ block, kind, rows, columns, meanMagnitude, maxMagnitude },
    ...summaryOf(statistics),
  });
}

function joined(arrays: readonly Uint16Array[]): Uint16Array {
  const whole = new Uint16Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}
