import type { Migration } from './migration.ts';

/**
 * What is known of a model's columns: statistics of its weights, errors of codebooks, what calibrations saw; and budgets
 * that the user keeps. Statistics in the form of version 1 are not taken over: they are measured again in seconds.
 *
 * Counts of outliers stand in a row for each S, since a blob is always read from its beginning: one S of a model of 7 billion
 * weights is 2 MB of 130.
 */
export const statistics: Migration = {
  version: 2,
  sql: `
DROP TABLE column_statistics;

CREATE TABLE column_statistics (
  id INTEGER PRIMARY KEY,
  model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  files_key TEXT NOT NULL,
  block INTEGER NOT NULL,
  kind TEXT NOT NULL,
  rows INTEGER NOT NULL,
  columns INTEGER NOT NULL,
  mean_magnitude REAL NOT NULL,
  max_magnitude REAL NOT NULL,
  -- The S that outliers were counted at. What another program has counted at others is none of this one's.
  grid TEXT NOT NULL CHECK (json_valid(grid)),
  -- Uint32, one value for each S: outliers of the matrix, and columns with at least one.
  totals BLOB NOT NULL,
  ranked BLOB NOT NULL,
  -- Float32, one value a column. What an order needs comes first: a row is read up to the last thing that is asked for.
  maxima BLOB NOT NULL,
  energies BLOB NOT NULL,
  means BLOB NOT NULL,
  variances BLOB NOT NULL,
  UNIQUE (model_id, files_key, block, kind)
) STRICT;

CREATE TABLE outlier_counts (
  id INTEGER PRIMARY KEY,
  statistics_id INTEGER NOT NULL REFERENCES column_statistics (id) ON DELETE CASCADE,
  -- Index into the grid. Levels without any outlier have no row.
  level INTEGER NOT NULL,
  -- One value a column: Uint16, of a matrix with more than 65535 rows Uint32.
  counts BLOB NOT NULL,
  UNIQUE (statistics_id, level)
) STRICT;

CREATE TABLE analyses (
  id INTEGER PRIMARY KEY,
  model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  files_key TEXT NOT NULL,
  block INTEGER NOT NULL,
  kind TEXT NOT NULL,
  columns INTEGER NOT NULL,
  -- The tail shares and widths that errors were measured at.
  grid TEXT NOT NULL CHECK (json_valid(grid)),
  -- Float16, column by column, in a column share by share: squared error at each width / the column's sum of squares.
  errors BLOB NOT NULL,
  UNIQUE (model_id, files_key, block, kind)
) STRICT;

CREATE TABLE calibrations (
  id INTEGER PRIMARY KEY,
  model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  files_key TEXT NOT NULL,
  -- What a deleted run has learnt of its model stays true.
  run_id INTEGER UNIQUE REFERENCES runs (id) ON DELETE SET NULL,
  at TEXT NOT NULL,
  -- Whether all groups are there.
  complete INTEGER NOT NULL
) STRICT;
CREATE INDEX calibrations_of_a_model ON calibrations (model_id, files_key);

CREATE TABLE calibrated_groups (
  id INTEGER PRIMARY KEY,
  calibration_id INTEGER NOT NULL REFERENCES calibrations (id) ON DELETE CASCADE,
  block INTEGER NOT NULL,
  -- The first matrix of the group.
  kind TEXT NOT NULL,
  -- Float32, one value a column: diag(H), and D of H = U D U^T.
  diagonal BLOB NOT NULL,
  sensitivity BLOB NOT NULL,
  UNIQUE (calibration_id, block, kind)
) STRICT;

CREATE TABLE budgets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  choices TEXT NOT NULL CHECK (json_valid(choices)),
  saved_at TEXT NOT NULL
) STRICT;
`,
};
