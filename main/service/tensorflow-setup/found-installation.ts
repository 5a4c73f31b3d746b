/** What of TensorFlow is there already, looked at without loading it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import {
  ADDON_FILE,
  type InstallationRecord,
  LIBRARIES_FOLDER,
  readInstallation,
  type TensorflowVariant,
} from '../../engine/tensors/tensorflow/installation.ts';
import { systemErrorCode } from '../system-error.ts';
import { TFJS_VERSION } from './addon-source.ts';
import { fileSha256 } from './fetch-wheel.ts';
import { FRAMEWORK_LIBRARY, TENSORFLOW_LIBRARY } from './wheel-contents.ts';

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
  const { folder, record } = found;
  if (version !== undefined && record.tensorflow !== version) return undefined;
  if (record.addon.tfjs !== TFJS_VERSION) return undefined;
  if ((await fileSha256(join(folder, ADDON_FILE))) !== record.addon.sha256) return undefined;
  for (const library of [TENSORFLOW_LIBRARY, FRAMEWORK_LIBRARY]) {
    if (!(await isFile(join(folder, LIBRARIES_FOLDER, library)))) return undefined;
  }
  return record;
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
