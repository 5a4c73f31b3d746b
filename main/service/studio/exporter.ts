import { isDeepStrictEqual } from 'node:util';
import type { ActivityId } from '../../../shared/activity.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { ExportRequest, RunHooks } from '../../../shared/requests.ts';
import type { ExportTarget } from '../../../shared/exports.ts';
import type { ModelId } from '../../../shared/library.ts';
import type { ExportSource, RunId } from '../../../shared/runs.ts';
import type { ExportSummary } from '../../../shared/summaries.ts';
import { discardPartialExport } from '../../engine/export/partial-export.ts';
import { exportFolder } from '../export.ts';
import type { Store } from '../store/store.ts';
import type { Activities } from './activities.ts';
import { notFound } from './model-library.ts';
import type { RunWatch } from './run-watch.ts';
import type { Changes } from './changes.ts';

/** Exports in a thread of its own. */
export type ExportTask = (request: ExportRequest, hooks: RunHooks) => Promise<ExportSummary>;

export interface ExporterParts {
  readonly store: Store;
  readonly changes: Changes;
  readonly activities: Activities;
  readonly watch: RunWatch;
  readonly exportQuantized: ExportTask;
}

/** What an export is made of, for people and for the task. */
interface Exported {
  readonly title: string;
  readonly folder: string;
  readonly modelId: ModelId;
  readonly runId: RunId | null;
}

/** Exports of complete runs and of packed models. They take no turn of the engine, so that they go on beside whatever it does. */
export class Exporter {
  readonly #parts: ExporterParts;

  constructor(parts: ExporterParts) {
    this.#parts = parts;
  }

  /**
   * Takes the place of one like it that failed or was cancelled.
   * Throws ClaqError library/not-found, run/wrong-state, request/invalid. What fails later is told by the activity.
   */
  start(of: ExportSource, target: ExportTarget, out?: string): ActivityId {
    const { title, folder, runId, modelId } = 'runId' in of ? this.#run(of.runId) : this.#model(of.modelId);
    const request = { source: folder, target, ...(out === undefined ? {} : { out }) };
    const exporting = { target, folder: out ?? null };
    const { activities } = this.#parts;
    const before = activities
      .list()
      .find(
        (each) =>
          (each.state === 'cancelled' || each.state === 'failed') &&
          isDeepStrictEqual([each.runId, each.modelId, each.exporting], [runId, modelId, exporting]),
      );
    const activity = { kind: 'export', title, runId, modelId, exporting } as const;
    return activities.perform(before === undefined ? activity : { ...activity, id: before.id }, (hooks) =>
      this.#export(of, request, hooks),
    );
  }

  /**
   * Deletes what one that was cancelled has left for the next of its kind. Throws ClaqError library/not-found, output/in-use while
   * such an export goes on.
   */
  async discard(of: ExportSource, target: ExportTarget, out?: string): Promise<void> {
    const { folder } = 'runId' in of ? this.#run(of.runId) : this.#model(of.modelId);
    await discardPartialExport(exportFolder(folder, target, out));
  }

  #run(id: RunId): Exported {
    const run = this.#parts.store.runs.get(id);
    if (run === undefined) throw notFound('run', id);
    const { modelId, modelName, budget, folder } = run;
    if (run.state === 'complete') return { title: `${modelName}, ${budget}`, folder, modelId, runId: id };
    throw new ClaqError('run/wrong-state', 'Only a complete run can be exported', {
      where: folder,
      found: `it is ${run.state}`,
      remedy: 'wait for its end, or go on with it',
    });
  }

  #model(id: ModelId): Exported {
    const model = this.#parts.store.models.get(id);
    if (model === undefined) throw notFound('model', id);
    const { name, folder, quantized } = model;
    if (quantized?.format === 'packed') return { title: name, folder, modelId: id, runId: null };
    throw new ClaqError('request/invalid', 'This model is not one that was packed', {
      where: folder,
      expected: 'a packed model',
      remedy: 'quantize it, and export the run',
    });
  }

  async #export(
    of: ExportSource,
    request: ExportRequest & { target: ExportTarget },
    hooks: RunHooks,
  ): Promise<void> {
    const { store, watch, changes, exportQuantized } = this.#parts;
    const { folder, files, bytes, seconds, check } = await exportQuantized(request, hooks);
    // Deleted meanwhile: the files are there, but nobody to tell of them.
    const source = 'runId' in of ? store.runs.get(of.runId) : store.models.get(of.modelId);
    if (source === undefined) return;
    const { target } = request;
    const made = { target, folder, files, bytes, seconds, check, createdAt: new Date().toISOString() };
    store.exports.insert({ runId: null, modelId: null, ...of, ...made });
    if ('runId' in of) watch.tell(of.runId, { kind: 'changed' });
    else changes.announce('models');
  }
}
