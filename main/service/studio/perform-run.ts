import { MATRIX_GROUPS } from '../../../shared/model.ts';
import type { QuantizeRequest, RunHooks } from '../../../shared/requests.ts';
import type { RunFigures } from '../../../shared/run-record.ts';
import type { RunDetail } from '../../../shared/runs.ts';
import type { QuantizeSummary } from '../../../shared/summaries.ts';
import { filesKey } from '../statistics/files-key.ts';
import type { Store } from '../store/store.ts';
import type { ActivityHandle } from './activities.ts';
import type { Changes } from './changes.ts';
import { sampleLoad } from './machine-load.ts';
import type { ModelLibrary } from './model-library.ts';
import type { RunWatch } from './run-watch.ts';

/** Quantizes in a thread of its own. */
export type QuantizeTask = (request: QuantizeRequest, hooks: RunHooks) => Promise<QuantizeSummary>;

export interface RunToPerform {
  readonly store: Store;
  readonly changes: Changes;
  readonly watch: RunWatch;
  readonly models: ModelLibrary;
  readonly quantize: QuantizeTask;
  readonly run: RunDetail;
  readonly activity: ActivityHandle | undefined;
  readonly signal: AbortSignal;
}

/**
 * Takes one run through the engine, and what it tells to the store and to those who watch. An export that was asked for is not
 * made: it is a work of its own, and fails alone. Throws what the run throws.
 */
export async function performRun({
  store,
  changes,
  watch,
  models,
  quantize,
  run,
  activity,
  signal,
}: RunToPerform): Promise<void> {
  const { id, folder, choices } = run;
  const model = models.stored(run.modelId);
  const note = (line: string): void => {
    const said = { at: new Date().toISOString(), line };
    store.runs.addNote(id, said);
    watch.tell(id, { kind: 'note', note: said });
  };
  let onGpu = false;
  const over = new AbortController();
  sampleLoad((load) => watch.tell(id, { kind: 'load', load }), { gpu: () => onGpu, signal: over.signal });
  const hooks: RunHooks = {
    signal,
    onNote: note,
    onProgress: (progress) => {
      const pace = activity?.progress(progress) ?? null;
      if (pace !== null) watch.tell(id, { kind: 'pace', pace });
    },
    onEngine: ({ name, description }) => {
      onGpu = name === 'tensorflow-gpu';
      store.runs.setState(id, 'running', { engine: description });
      watch.tell(id, { kind: 'changed' });
    },
    onMatrix: (matrix) => {
      store.runs.saveMatrices(id, [matrix]);
      watch.tell(id, { kind: 'matrix', matrix });
    },
  };
  try {
    // What the run learns of the model is true of the weights that it begins with.
    const calibrating = {
      modelId: model.id,
      filesKey: await filesKey(model.folder),
      runId: id,
      groups: model.description.blocks * MATRIX_GROUPS.length,
    };
    const onCalibration: RunHooks['onCalibration'] = (group) => {
      if (store.calibrations.save(calibrating, group)) changes.announce('statistics');
    };
    const request = { ...choices, exportDtype: undefined, model: model.folder, out: folder };
    store.runs.complete(
      id,
      figuresOf(await quantize(request, { ...hooks, onCalibration })),
      new Date().toISOString(),
    );
  } finally {
    over.abort();
  }
}

function figuresOf(summary: QuantizeSummary): RunFigures {
  const { nominalBits, storedBits, weights, sourceBytes, packedBytes, seconds, sessions, timing } = summary;
  return {
    nominalBits,
    storedBits,
    weights,
    sourceBytes,
    packedBytes,
    loss: summary.loss ?? null,
    ...(summary.strength === undefined ? {} : { strength: summary.strength }),
    before: summary.before ?? null,
    after: summary.after ?? null,
    seconds,
    sessions,
    timing,
  };
}
