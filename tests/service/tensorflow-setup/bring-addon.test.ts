import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ADDON_FILE,
  INSTALLATION_FILE,
  INSTALLATION_VERSION,
  type InstallationRecord,
} from '../../../main/engine/tensors/tensorflow/installation.ts';
import { addonRecipe } from '../../../main/service/tensorflow-setup/addon-recipe.ts';
import { ownParts, shippedAddon, TFJS_VERSION } from '../../../main/service/tensorflow-setup/addon-source.ts';
import { bringAddon } from '../../../main/service/tensorflow-setup/bring-addon.ts';
import {
  DEFAULT_TENSORFLOW,
  PINNED_WHEELS,
  thisMachine,
} from '../../../main/service/tensorflow-setup/pinned-wheels.ts';
import type { SetupPlace } from '../../../main/service/tensorflow-setup/place.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { writeFiles } from './small-tensorflow.ts';

const recipe = await addonRecipe({ ...(await ownParts()), tensorflow: DEFAULT_TENSORFLOW });
const CURRENT = Buffer.concat([Buffer.from('an addon, made of '), Buffer.from(recipe, 'hex')]);
const OLD = Buffer.from('an addon, made of something else');

/** Without a compiler or Python, and with TensorFlow or addons where they are given. */
async function placeWith(found: { readonly own?: Buffer; readonly shipped?: Buffer }): Promise<SetupPlace> {
  const folder = await temporaryFolder();
  const place = {
    home: join(folder, 'home'),
    env: { PATH: folder },
    shippedAddons: join(folder, 'addons'),
    pinned: PINNED_WHEELS,
  };
  if (found.shipped !== undefined)
    await writeFiles('', { [shippedAddon(place, thisMachine())]: found.shipped });
  if (found.own !== undefined) {
    const record: InstallationRecord = {
      version: INSTALLATION_VERSION,
      variant: 'cpu',
      tensorflow: DEFAULT_TENSORFLOW,
      wheels: [],
      addon: {
        tfjs: TFJS_VERSION,
        origin: 'built',
        sha256: createHash('sha256').update(found.own).digest('hex'),
      },
      installedAt: '2026-01-01T00:00:00.000Z',
    };
    await writeFiles(join(place.home, 'cpu'), {
      [ADDON_FILE]: found.own,
      [INSTALLATION_FILE]: JSON.stringify(record),
      'deps/lib/libtensorflow_cc.so.2': '',
      'deps/lib/libtensorflow_framework.so.2': '',
    });
  }
  return place;
}

describe('bringAddon', () => {
  it('leaves one that is made of the same parts', async () => {
    const place = await placeWith({ shipped: CURRENT });
    expect(await bringAddon({}, place)).toBe('nothing');
    expect(await readFile(shippedAddon(place, thisMachine()))).toEqual(CURRENT);
  });

  it("takes that of the user's own TensorFlow, in the place of one that is out of date", async () => {
    const place = await placeWith({ own: CURRENT, shipped: OLD });
    expect(await bringAddon({}, place)).toBe('taken');
    expect(await readFile(shippedAddon(place, thisMachine()))).toEqual(CURRENT);
    expect(await bringAddon({}, place)).toBe('nothing');
  });

  it('leaves none that is out of date where it cannot build one', async () => {
    const place = await placeWith({ own: OLD, shipped: OLD });
    expect((await thrownBy(() => bringAddon({}, place))).code).toBe('setup/compiler-missing');
    const { platform, arch } = thisMachine();
    expect(await readdir(place.shippedAddons, { recursive: true })).toEqual([`${platform}-${arch}`]);
  });

  it('has none for a system that TensorFlow has no wheels for', async () => {
    const place = await placeWith({ own: CURRENT });
    const error = await thrownBy(() => bringAddon({}, { ...place, pinned: { [DEFAULT_TENSORFLOW]: {} } }));
    expect(error.code).toBe('setup/unsupported');
  });
});
