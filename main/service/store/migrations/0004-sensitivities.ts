import type { Migration } from './migration.ts';

/** What a model's loss feels of errors in the outputs of its matrices. */
export const sensitivities: Migration = {
  version: 4,
  sql: `
CREATE TABLE sensitivities (
  model_id INTEGER PRIMARY KEY REFERENCES models (id) ON DELETE CASCADE,
  -- What the weights' files are, as with the column statistics.
  files_key TEXT NOT NULL,
  -- The program's way of measuring.
  way INTEGER NOT NULL,
  -- All matrices, with the text that they were measured on.
  figures TEXT NOT NULL CHECK (json_valid(figures))
) STRICT;
`,
};
