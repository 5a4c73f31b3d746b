import type { Migration } from './migration.ts';

/**
 * Models, what was made of them, and the settings. Arrays of numbers are blobs (number-blobs.ts says in what form); JSON
 * columns hold small structured data that is read whole.
 *
 * AUTOINCREMENT: the number of a removed entry is never given again, so that a window which still shows it cannot reach
 * another one by it.
 */
export const library: Migration = {
  version: 1,
  sql: `
CREATE TABLE models (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  folder TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL CHECK (json_valid(source)),
  added_at TEXT NOT NULL,
  description TEXT NOT NULL CHECK (json_valid(description)),
  parameters INTEGER NOT NULL,
  quantized_weights INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  dtype TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  folder TEXT NOT NULL,
  state TEXT NOT NULL,
  -- Ascending: the next run has the lowest. Only of runs that wait.
  queue_place INTEGER,
  method TEXT NOT NULL,
  budget TEXT NOT NULL,
  blocks INTEGER NOT NULL,
  matrices_total INTEGER NOT NULL,
  queued_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT,
  engine TEXT,
  choices TEXT NOT NULL CHECK (json_valid(choices)),
  figures TEXT CHECK (json_valid(figures)),
  error TEXT CHECK (json_valid(error)),
  CHECK ((state = 'queued') = (queue_place IS NOT NULL))
) STRICT;
CREATE INDEX runs_of_a_model ON runs (model_id, state);
CREATE INDEX runs_that_wait ON runs (queue_place) WHERE queue_place IS NOT NULL;

CREATE TABLE matrices (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  block INTEGER NOT NULL,
  kind TEXT NOT NULL,
  rows INTEGER NOT NULL,
  columns INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  loss REAL,
  outlier_ratio REAL NOT NULL,
  damping REAL NOT NULL,
  -- Int32: width, reserved entries, columns of each class.
  classes BLOB NOT NULL,
  UNIQUE (run_id, block, kind)
) STRICT;

CREATE TABLE run_notes (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  at TEXT NOT NULL,
  line TEXT NOT NULL
) STRICT;
CREATE INDEX notes_of_a_run ON run_notes (run_id);

CREATE TABLE exports (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  format TEXT NOT NULL,
  dtype TEXT NOT NULL,
  folder TEXT NOT NULL,
  files INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  seconds REAL NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX exports_of_a_run ON exports (run_id);

CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;

CREATE TABLE column_statistics (
  id INTEGER PRIMARY KEY,
  model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  files_key TEXT NOT NULL,
  block INTEGER NOT NULL,
  kind TEXT NOT NULL,
  rows INTEGER NOT NULL,
  columns INTEGER NOT NULL,
  mean_magnitude REAL NOT NULL,
  -- Float32, one value a column.
  maxima BLOB NOT NULL,
  energies BLOB NOT NULL,
  means BLOB NOT NULL,
  variances BLOB NOT NULL,
  -- Float32: the S that outliers are counted at.
  s_values BLOB NOT NULL,
  -- Uint32: for each S, the outliers of each column.
  outliers BLOB NOT NULL,
  UNIQUE (model_id, files_key, block, kind)
) STRICT;
`,
};
