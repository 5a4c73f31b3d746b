import type { Migration } from './migration.ts';

/**
 * Exports in several formats, of packed models as well as of runs, with what their check found; what the weights of a model are
 * stored as; and perplexities that were measured without a run. Of exports that were made before, the list does not say what was compared.
 */
export const exports: Migration = {
  version: 3,
  sql: `
CREATE TABLE exports_of_all (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER REFERENCES runs (id) ON DELETE CASCADE,
  model_id INTEGER REFERENCES models (id) ON DELETE CASCADE,
  target TEXT NOT NULL CHECK (json_valid(target)),
  folder TEXT NOT NULL,
  files INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  seconds REAL NOT NULL,
  -- What was compared after the writing.
  verified TEXT CHECK (json_valid(verified)),
  created_at TEXT NOT NULL,
  CHECK ((run_id IS NULL) <> (model_id IS NULL))
) STRICT;
INSERT INTO exports_of_all (id, run_id, target, folder, files, bytes, seconds, created_at)
SELECT id, run_id, json_object('format', format, 'dtype', dtype), folder, files, bytes, seconds, created_at FROM exports;
DROP TABLE exports;
ALTER TABLE exports_of_all RENAME TO exports;
CREATE INDEX exports_of_a_run ON exports (run_id);
CREATE INDEX exports_of_a_model ON exports (model_id);

CREATE TABLE evaluations (
  model_id INTEGER PRIMARY KEY REFERENCES models (id) ON DELETE CASCADE,
  figure TEXT NOT NULL CHECK (json_valid(figure)),
  measured_at TEXT NOT NULL
) STRICT;

ALTER TABLE models ADD COLUMN quantized TEXT CHECK (json_valid(quantized));
`,
};
