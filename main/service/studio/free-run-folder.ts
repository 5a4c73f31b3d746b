import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';

/** More runs of one name than anybody makes. */
const MOST_NUMBERS = 100_000;

/**
 * A folder for a run that is not there yet and that no other run waits for: `<runs>/SmolLM2-135M-2.12-3`.
 * @param taken folders of runs that may not have begun
 */
export async function freeRunFolder(
  runsFolder: string,
  name: string,
  taken: ReadonlySet<string>,
): Promise<string> {
  const stem = name.replaceAll(/[^\p{L}\p{N}.]+/gu, '-').replaceAll(/^[-.]+|[-.]+$/g, '') || 'run';
  const there = new Set(await entriesOf(runsFolder));
  for (let number = 1; number <= MOST_NUMBERS; number++) {
    const folder = join(runsFolder, `${stem}-${number}`);
    if (!there.has(`${stem}-${number}`) && !taken.has(folder)) return folder;
  }
  throw new ClaqError('output/numbers-taken', 'There is no free name for the run', {
    where: runsFolder,
    expected: `one of ${stem}-1 to ${stem}-${MOST_NUMBERS}`,
    found: 'all of them taken',
    remedy: 'delete runs that are not needed, or choose another folder in the settings',
  });
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
