import { readdir, rm } from 'node:fs/promises';
import { ClaqError } from '../../../shared/errors.ts';
import type { ExportId } from '../../../shared/runs.ts';
import { exists } from '../folder-contents.ts';
import type { Store } from '../store/store.ts';
import { notFound } from './model-library.ts';
import type { RunWatch } from './run-watch.ts';

/** Every dense export has it; a folder without it is not one that was made here. */
const EXPORT_FILE = 'config.json';

/** Throws ClaqError library/not-found, output/not-empty where the folder is no longer what was written. */
export async function removeExport(
  { store, watch }: { readonly store: Store; readonly watch: RunWatch },
  id: ExportId,
  deleteFolder: boolean,
): Promise<void> {
  const found = store.exports.get(id);
  if (found === undefined) throw notFound('export', id);
  if (deleteFolder && (await exists(found.folder))) {
    const names = await readdir(found.folder);
    if (!names.includes(EXPORT_FILE) || names.length !== found.files) {
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
  watch.tell(found.runId, { kind: 'changed' });
}
