import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type SetupRemoval, setupRemovalSchema, type SetupRemovalSummary } from '../../../shared/requests.ts';
import { outputErrors } from '../../engine/checkpoint/atomic-file.ts';
import { exists, folderBytes } from '../folder-contents.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { validRequest } from '../valid-request.ts';
import { requireOurs } from './found-installation.ts';
import { DOWNLOADS_FOLDER, UNFINISHED, withHome } from './home.ts';
import { type SetupPlace, userPlace } from './place.ts';

/**
 * `claq setup --remove`: takes a variant of TensorFlow away, and what was fetched for one.
 *
 * @throws ClaqError output/not-empty, output/in-use, output/not-writable
 */
export async function removeTensorflow(
  request: SetupRemoval,
  place: Pick<SetupPlace, 'home'> = userPlace(),
): Promise<SetupRemovalSummary> {
  const { gpu } = validRequest(setupRemovalSchema, request);
  const variant = gpu ? 'gpu' : 'cpu';
  const { home } = place;
  const folder = join(home, variant);
  if (!(await exists(home))) return { variant, folder, bytes: 0 };
  await requireOurs(variant, home);
  const downloads = join(home, DOWNLOADS_FOLDER);
  return withHome(home, async () => {
    const bytes = (await folderBytes(folder)) + (await folderBytes(downloads));
    // In one step, so that nobody finds half of it.
    const leaving = `${folder}.${randomUUID()}${UNFINISHED}`;
    await outputErrors(folder, () =>
      rename(folder, leaving).catch((error: unknown) => {
        if (systemErrorCode(error) !== 'ENOENT') throw error;
      }),
    );
    await rm(leaving, { recursive: true, force: true });
    await rm(downloads, { recursive: true, force: true });
    return { variant, folder, bytes };
  });
}
