/** Makes the addon that is packaged with the app, so that a user's machine needs no compiler. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RunHooks } from '../../../shared/requests.ts';
import { writeAtomically } from '../../engine/checkpoint/atomic-file.ts';
import { ADDON_FILE } from '../../engine/tensors/tensorflow/installation.ts';
import { addonRecipe, isMadeBy } from './addon-recipe.ts';
import { ownParts, shippedAddon } from './addon-source.ts';
import { wholeInstallation } from './found-installation.ts';
import { type SetupPlace, userPlace } from './place.ts';
import { DEFAULT_TENSORFLOW, thisMachine, wheelsFor } from './pinned-wheels.ts';
import { removeTensorflow } from './remove-tensorflow.ts';
import { setUpTensorflow } from './set-up-tensorflow.ts';

/** Where TensorFlow is set up to build against, inside of the folder of addons; what was fetched stays after a failure. */
const WORK_FOLDER = 'set-up';

/**
 * Brings the addon for this machine into the place's folder of addons. One that is there and made of the same parts is left as
 * it is, else that of the user's own TensorFlow is taken, else TensorFlow is set up once more, and removed again.
 *
 * @returns what was done for it
 * @throws ClaqError as setUpTensorflow: setup/unsupported, setup/package-missing, setup/compiler-missing, ...; then there is none
 */
export async function bringAddon(
  hooks: RunHooks = {},
  place: SetupPlace = userPlace(),
): Promise<'nothing' | 'taken' | 'built'> {
  const machine = thisMachine();
  wheelsFor(place.pinned, DEFAULT_TENSORFLOW, 'cpu', machine);
  const target = shippedAddon(place, machine);
  const recipe = await addonRecipe({ ...(await ownParts()), tensorflow: DEFAULT_TENSORFLOW });
  if (await isMadeBy(recipe, target)) return 'nothing';
  // A set-up would take it.
  await rm(target, { force: true });
  const own = join(place.home, 'cpu', ADDON_FILE);
  const isOwnWhole = (await wholeInstallation('cpu', place.home, DEFAULT_TENSORFLOW)) !== undefined;
  if (isOwnWhole && (await isMadeBy(recipe, own))) {
    await copyWhole(own, target);
    return 'taken';
  }
  const home = join(place.shippedAddons, WORK_FOLDER);
  await rm(join(home, 'cpu'), { recursive: true, force: true });
  const { folder } = await setUpTensorflow({ tensorflow: DEFAULT_TENSORFLOW }, hooks, { ...place, home });
  await copyWhole(join(folder, ADDON_FILE), target);
  await removeTensorflow({}, { home });
  return 'built';
}

async function copyWhole(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const bytes = await readFile(from);
  await writeAtomically(to, (write) => write(bytes));
}
