import { readdir, rm } from 'node:fs/promises';
import { ClaqError } from '../../../shared/errors.ts';
import type { ExportId } from '../../../shared/runs.ts';
import { CHECKSUMS_FILE } from '../../engine/export/checksums-file.ts';
import { exists } from '../folder-contents.ts';
import type { Store } from '../store/store.ts';
import type { Changes } from './changes.ts';
import { notFound } from './model-library.ts';
import type { RunWatch } from './run-watch.ts';

/** Throws ClaqError library/not-found, output/not-empty where the folder is no longer what was written. */
export async function removeExport(
  { store, watch, changes }: { readonly store: Store; readonly watch: RunWatch; readonly changes: Changes },
  id: ExportId,
  deleteFolder: boolean,
): Promise<void> {
  const found = store.exports.get(id);
  if (found === undefined) throw notFound('export', id);
  if (deleteFolder && (await exists(found.folder))) {
    const names = await readdir(found.folder);
    // A folder without the list of sums is not one that was made here.
    if (!names.includes(CHECKSUMS_FILE) || names.length !== found.files) {
      throw new ClaqError('output/not-empty', 'The folder is not as it was written', {
        where: found.folder,
        expected: `the ${found.files} files of the export`,
        found: `${names.length} files`,
        remedy: 'look at it, and delete it by hand',
      });
    }
    await rm(found.folder, { recursive: true });
  }
  store.exports.remove(id);
  if (found.runId === null) changes.announce('models');
  else watch.tell(found.runId, { kind: 'changed' });
}
