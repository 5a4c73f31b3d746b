import Database from 'better-sqlite3';

/**
 * Writes a library as version 1 of the format has it, with an entry in each table. A copy of the past: it does not change when
 * the program does.
 */
export function writeVersion1(file: string): void {
  const database = new Database(file);
  try {
    database.exec(`BEGIN; ${SCHEMA} ${ENTRIES} COMMIT;`);
  } finally {
    database.close();
  }
}

const SCHEMA = `
PRAGMA application_id = 1129070929;
PRAGMA user_version = 1;
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
`;

/** Blobs are little-endian: 2, 4, 1498 and 4, 16, 38 as Int32; 1, 0.5 as Float32; 13 as Float32; 7, 0 as Uint32. */
const ENTRIES = `
INSERT INTO models VALUES (3, 'SmolLM2-135M', '/models/SmolLM2-135M', '{"kind":"demo"}', '2026-03-01T08:00:00.000Z',
  '{"family":"llama","hiddenSize":576,"ffnSize":1536,"blocks":30,"heads":9,"kvHeads":3,"headDim":64,"vocabSize":49152,' ||
  '"contextLength":8192,"rmsNormEpsilon":0.00001,"ropeTheta":100000,"ropeScaling":{"type":"none"},"tiedEmbeddings":true,' ||
  '"qkvBias":false,"oBias":false,"mlpBias":false,"qkNorm":false}',
  134515008, 106168320, 269060552, 'BF16');
INSERT INTO runs (id, model_id, folder, state, method, budget, blocks, matrices_total, queued_at, started_at, ended_at,
  engine, choices, figures)
VALUES (5, 3, '/runs/1', 'complete', 'claq', '2', 30, 210, '2026-03-01T09:00:00.000Z', '2026-03-01T09:00:01.000Z',
  '2026-03-01T10:00:00.000Z', 'WebAssembly', '{"budget":{"bits":2}}',
  '{"nominalBits":2,"storedBits":2.1,"weights":106168320,"sourceBytes":269060552,"packedBytes":30000000,"loss":25.5,' ||
  '"before":null,"after":null,"seconds":3600,"sessions":1,"timing":{"loop":3000}}');
INSERT INTO matrices VALUES (1, 5, 0, 'q', 576, 1536, 230000, 12.25, 0.000125, 0.01,
  x'0200000004000000DA050000040000001000000026000000');
INSERT INTO run_notes VALUES (1, 5, '2026-03-01T09:00:02.000Z', 'WebAssembly, 2 threads');
INSERT INTO exports VALUES (7, 5, 'dense', 'source', '/runs/1/dense', 7, 270000000, 3.5, '2026-03-01T11:00:00.000Z');
INSERT INTO settings VALUES ('theme', '"dark"');
INSERT INTO column_statistics VALUES (1, 3, 'files', 0, 'q', 64, 2, 0.015, x'0000803F0000003F', x'0000803F0000003F',
  x'0000803F0000003F', x'0000803F0000003F', x'00005041', x'0700000000000000');
`;
