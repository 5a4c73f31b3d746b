/** What of TensorFlow is there already, looked at without loading it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import {
  ADDON_FILE,
  CUDA_FOLDER,
  type Installation,
  type InstallationRecord,
  LIBRARIES_FOLDER,
  readInstallation,
  type TensorflowVariant,
} from '../../engine/tensors/tensorflow/installation.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { TFJS_VERSION } from './addon-source.ts';
import { fileSha256 } from './fetch-wheel.ts';
import { cudaLibraryOf, FRAMEWORK_LIBRARY, TENSORFLOW_LIBRARY } from './wheel-contents.ts';

/**
 * The record of an installation that can be used as it is: whole, with the addon of this program, and of the version asked
 * for where one is. Undefined where a set-up has something to do.
 */
export async function wholeInstallation(
  variant: TensorflowVariant,
  home: string,
  version: string | undefined,
): Promise<InstallationRecord | undefined> {
  const found = await readInstallation(variant, home);
  if (found.state !== 'installed') return undefined;
  const { record } = found;
  if (version !== undefined && record.tensorflow !== version) return undefined;
  return (await installationFault(found)) === undefined ? record : undefined;
}

/** What of an installation is missing or not as it was set up, as one clause; undefined where it is whole. */
export async function installationFault({
  folder,
  record,
}: Extract<Installation, { state: 'installed' }>): Promise<string | undefined> {
  const { addon } = record;
  if (addon.tfjs !== TFJS_VERSION)
    return `its addon is of version ${addon.tfjs}, this program needs ${TFJS_VERSION}`;
  const sha256 = await fileSha256(join(folder, ADDON_FILE));
  if (sha256 === undefined) return `${ADDON_FILE} is missing`;
  if (sha256 !== addon.sha256) return `${ADDON_FILE} is not the file that was set up`;
  for (const library of [TENSORFLOW_LIBRARY, FRAMEWORK_LIBRARY]) {
    if (!(await isFile(join(folder, LIBRARIES_FOLDER, library)))) return `${library} is missing`;
  }
  for (const { name } of record.wheels) {
    const library = cudaLibraryOf(name);
    if (library === undefined) continue;
    if (await isFree(join(folder, CUDA_FOLDER, library, 'lib')))
      return `the libraries of ${name} are missing`;
  }
  return undefined;
}

/**
 * Lets nothing be replaced or removed that is not an installation.
 *
 * @throws ClaqError output/not-empty
 */
export async function requireOurs(variant: TensorflowVariant, home: string): Promise<void> {
  const { state, folder } = await readInstallation(variant, home);
  if (state !== 'missing' || (await isFree(folder))) return;
  throw new ClaqError('output/not-empty', 'The folder holds something other than TensorFlow', {
    where: folder,
    expected: 'no such folder, or one that this command made',
    found: 'other files',
    remedy: 'name another folder in CLAQ_TENSORFLOW_HOME, or move what is there',
  });
}

async function isFree(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return true;
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
