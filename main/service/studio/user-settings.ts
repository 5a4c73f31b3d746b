import { mkdir } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import { type DecidedChoices, ENGINE_DEFAULTS, type QuantizeChoices } from '../../../shared/requests.ts';
import type { Settings, SettingsChange } from '../../../shared/settings.ts';
import type { Store } from '../store/store.ts';
import type { Changes } from './changes.ts';

/** What the user has set, or the default. */
export class UserSettings {
  readonly #store: Store;
  readonly #changes: Changes;
  readonly #defaults: Settings;

  constructor(store: Store, changes: Changes, dataFolder: string) {
    this.#store = store;
    this.#changes = changes;
    this.#defaults = {
      theme: 'system',
      ...ENGINE_DEFAULTS,
      threads: null,
      hostMemory: null,
      runsFolder: join(dataFolder, 'runs'),
      modelsFolder: join(dataFolder, 'models'),
      calibrationText: null,
    };
  }

  get(): Settings {
    return this.#store.settings.read(this.#defaults);
  }

  /** Throws ClaqError settings/invalid where a folder cannot be used. */
  async change(change: SettingsChange): Promise<Settings> {
    for (const folder of [change.runsFolder, change.modelsFolder]) {
      if (folder !== undefined) await requireFolder(folder);
    }
    this.#store.settings.write(change);
    this.#changes.announce('settings');
    return this.get();
  }

  /** A run's choices, with what is set for all runs where it says nothing. */
  applyTo(choices: QuantizeChoices): DecidedChoices {
    const { engine, threads, hostMemory, forwardPrecision, calibrationText } = this.get();
    return {
      ...choices,
      engine: choices.engine ?? engine,
      forwardPrecision: choices.forwardPrecision ?? forwardPrecision,
      threads: choices.threads ?? threads ?? undefined,
      hostMemory: choices.hostMemory ?? hostMemory ?? undefined,
      calibration: {
        ...choices.calibration,
        source: choices.calibration.source ?? calibrationText ?? undefined,
      },
    };
  }
}

async function requireFolder(folder: string): Promise<void> {
  if (!isAbsolute(folder)) {
    throw new ClaqError('settings/invalid', 'A folder of the settings has no full path', {
      where: folder,
      expected: 'a path from the root on',
      remedy: `perhaps ${resolve(folder)} is meant`,
    });
  }
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new ClaqError('settings/invalid', 'A folder of the settings cannot be made', {
      where: folder,
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: 'choose a folder that you may write to',
      cause,
    });
  }
}
