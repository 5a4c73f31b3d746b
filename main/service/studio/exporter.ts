import type { ActivityId } from '../../../shared/activity.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { ExportRequest, RunHooks } from '../../../shared/requests.ts';
import type { ExportCard, RunId } from '../../../shared/runs.ts';
import type { ExportSummary } from '../../../shared/summaries.ts';
import type { Store } from '../store/store.ts';
import type { Activities } from './activities.ts';
import { notFound } from './model-library.ts';
import type { RunWatch } from './run-watch.ts';

/** Exports in a thread of its own. */
export type ExportTask = (request: ExportRequest, hooks: RunHooks) => Promise<ExportSummary>;

export interface ExporterParts {
  readonly store: Store;
  readonly activities: Activities;
  readonly watch: RunWatch;
  readonly exportRun: ExportTask;
}

/** Exports of complete runs. They take no engine, so that they go on beside whatever it does. */
export class Exporter {
  readonly #parts: ExporterParts;

  constructor(parts: ExporterParts) {
    this.#parts = parts;
  }

  /** Throws ClaqError library/not-found, run/wrong-state. What fails later is told by the activity. */
  start(runId: RunId, dtype: ExportCard['dtype'], out?: string): ActivityId {
    const { store, activities } = this.#parts;
    const run = store.runs.get(runId);
    if (run === undefined) throw notFound('run', runId);
    if (run.state !== 'complete') {
      throw new ClaqError('run/wrong-state', 'Only a complete run can be exported', {
        where: run.folder,
        found: `it is ${run.state}`,
        remedy: 'wait for its end, or go on with it',
      });
    }
    const request = { run: run.folder, dtype, ...(out === undefined ? {} : { out }) };
    const title = `${run.modelName}, ${run.budget}`;
    return activities.perform({ kind: 'export', title, runId, modelId: run.modelId }, (hooks) =>
      this.#export(runId, request, hooks),
    );
  }

  async #export(runId: RunId, request: ExportRequest, hooks: RunHooks): Promise<void> {
    const { store, watch, exportRun } = this.#parts;
    const { folder, files, bytes, seconds } = await exportRun(request, hooks);
    // Deleted meanwhile: the files are there, but nobody to tell of them.
    if (store.runs.get(runId) === undefined) return;
    const dtype = request.dtype ?? 'source';
    const createdAt = new Date().toISOString();
    store.exports.insert({ runId, format: 'dense', dtype, folder, files, bytes, seconds, createdAt });
    watch.tell(runId, { kind: 'changed' });
  }
}
