import { availableParallelism } from 'node:os';
import { ClaqError } from '../../../shared/errors.ts';
import type { Preflight } from '../../../shared/preflight.ts';
import type { RunCard, RunId, RunOrder } from '../../../shared/runs.ts';
import { askNvidiaSmi } from '../doctor/nvidia-smi.ts';
import { readRunRecord } from '../open-run.ts';
import type { RecordedExport, RecordedRun } from '../preflight/recorded-speed.ts';
import type { Store } from '../store/store.ts';
import { type EngineRates, engineByTrial } from './engine-rates.ts';
import type { ModelLibrary } from './model-library.ts';
import type { UserSettings } from './user-settings.ts';

export interface PreflightParts {
  readonly store: Store;
  readonly models: ModelLibrary;
  readonly settings: UserSettings;
  readonly rates: EngineRates;
}

/** Runs that are looked at for how fast this machine is. */
const RUNS_READ = 12;

/** Says what a run of the library would take. */
export class StudioPreflight {
  readonly #parts: PreflightParts;
  /** Of a complete run's record no more changes than what it says of its export. */
  readonly #records = new Map<RunId, Promise<RecordedRun | undefined>>();
  #gpuMemory: Promise<number | null> | undefined;

  constructor(parts: PreflightParts) {
    this.#parts = parts;
  }

  /** Throws ClaqError library/not-found, engine/backend-unavailable, and as opening the model throws. */
  async of({ modelId, choices: asked }: RunOrder): Promise<Preflight> {
    const { store, models, settings, rates } = this.#parts;
    const model = models.stored(modelId);
    const choices = settings.applyTo(asked);
    const { engine, forwardPrecision, threads = availableParallelism() } = choices;
    const measured = await rates.of({ engine, threads, forwardPrecision });
    const inUse = measured?.engine ?? (await engineByTrial(engine));
    if (inUse === undefined) throw noEngine(engine);
    // With it comes the engine's vocabulary, which takes a while to load and nothing else here needs.
    const { preflightFolder } = await import('../preflight/preflight-run.ts');
    return await preflightFolder(model.folder, {
      choices:
        model.baseline === null
          ? choices
          : { ...choices, evaluation: { ...choices.evaluation, baseline: model.baseline } },
      engine: inUse,
      forwardPrecision,
      threads,
      hostMemory: choices.hostMemory,
      gpuMemory: inUse.name === 'tensorflow-gpu' ? await this.#cardMemory() : null,
      runsFolder: settings.get().runsFolder,
      runs: await this.#recordedRuns(),
      exports: this.#latestRuns().flatMap(({ id }): RecordedExport[] => denseExports(store, id)),
      measured,
    });
  }

  #latestRuns(): RunCard[] {
    const complete = this.#parts.store.runs.list().filter(({ state }) => state === 'complete');
    return complete.slice(0, RUNS_READ);
  }

  async #recordedRuns(): Promise<RecordedRun[]> {
    const runs = this.#latestRuns().map(({ id, folder, modelId }) => {
      const known = this.#records.get(id);
      if (known !== undefined) return known;
      const { description } = this.#parts.models.stored(modelId);
      const read = readRunRecord(folder).then(
        (record) => (record === undefined ? undefined : { label: `run ${id}`, model: description, record }),
        // Deleted or spoiled: it says nothing about the machine.
        () => undefined,
      );
      this.#records.set(id, read);
      return read;
    });
    return (await Promise.all(runs)).filter((run) => run !== undefined);
  }

  async #cardMemory(): Promise<number | null> {
    this.#gpuMemory ??= askNvidiaSmi({ env: process.env }).then((driver) =>
      driver.state === 'found' ? (driver.devices[0]?.memoryBytes ?? null) : null,
    );
    return await this.#gpuMemory;
  }
}

function noEngine(engine: string): ClaqError {
  return new ClaqError('engine/backend-unavailable', `The engine ${engine} does not run here`, {
    remedy: 'the settings say what is missing',
  });
}

/** Those that say how fast another one will be written. */
function denseExports(store: Store, runId: RunId): RecordedExport[] {
  return store.exports.list({ runId }).filter(({ target }) => target.format === 'dense');
}
