import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import {
  type Settings,
  type SettingsChange,
  settingsChangeSchema,
  settingsSchema,
} from '../../../shared/settings.ts';
import { json } from './json-column.ts';
import { Command, Query } from './statements.ts';

const rowSchema = z.strictObject({ key: z.string(), value: json(z.unknown()) });

/** What the user has set: a row each. What was never set has none. */
export class SettingsTable {
  readonly #all: Query<z.infer<typeof rowSchema>>;
  readonly #set: Command;
  readonly #transaction: (change: SettingsChange) => void;

  constructor(database: Database) {
    this.#all = new Query(database, 'settings', rowSchema, 'SELECT key, value FROM settings');
    this.#set = new Command(
      database,
      'settings',
      `INSERT INTO settings (key, value) VALUES (@key, @value)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    );
    this.#transaction = database.transaction((change: SettingsChange) => {
      for (const [key, value] of Object.entries(change)) {
        if (value !== undefined) this.#set.run({ key, value: JSON.stringify(value) });
      }
    });
  }

  /** A setting that this version does not know is passed over; one whose value it does not know has its default. */
  read(defaults: Settings): Settings {
    const known = this.#all.all().filter(({ key, value }) => isSetting(key, value));
    return settingsSchema.parse({
      ...defaults,
      ...Object.fromEntries(known.map(({ key, value }) => [key, value])),
    });
  }

  write(change: SettingsChange): void {
    this.#transaction(settingsChangeSchema.parse(change));
  }
}

function isSetting(key: string, value: unknown): boolean {
  return settingsChangeSchema.safeParse({ [key]: value }).success;
}
