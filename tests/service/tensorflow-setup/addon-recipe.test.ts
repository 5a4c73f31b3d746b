import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type AddonParts,
  addonRecipe,
  isMadeBy,
  recipeFlag,
} from '../../../main/service/tensorflow-setup/addon-recipe.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { writeFiles } from './small-tensorflow.ts';

async function smallParts(files: Readonly<Record<string, string>> = {}): Promise<AddonParts> {
  const folder = await temporaryFolder();
  await writeFiles(folder, { 'binding/a.cc': 'a', 'binding/b.h': 'b', 'include/node_api.h': 'n', ...files });
  return { sources: join(folder, 'binding'), nodeHeaders: join(folder, 'include'), tensorflow: '2.21.0' };
}

describe('addonRecipe', () => {
  it('is the same wherever the same parts lie', async () => {
    const recipe = await addonRecipe(await smallParts());
    expect(recipe).toMatch(/^[0-9a-f]{64}$/);
    expect(await addonRecipe(await smallParts())).toBe(recipe);
    expect(recipeFlag(recipe)).toBe(`-Wl,--build-id=0x${recipe}`);
  });

  it.each<[string, Record<string, string>]>([
    ['a source', { 'binding/a.cc': 'A' }],
    ['a header of the sources', { 'binding/b.h': 'B' }],
    ['a header of Node', { 'include/node_api.h': 'N' }],
    ['a file more', { 'binding/c.cc': '' }],
  ])('is another one with %s', async (_, files) => {
    const changed = await addonRecipe(await smallParts(files));
    expect(changed).not.toBe(await addonRecipe(await smallParts()));
  });

  it('is another one for another TensorFlow', async () => {
    const parts = await smallParts();
    expect(await addonRecipe({ ...parts, tensorflow: '2.20.0' })).not.toBe(await addonRecipe(parts));
  });
});

describe('isMadeBy', () => {
  it('looks for the hash in the file', async () => {
    const addon = join(await temporaryFolder(), 'addon.node');
    const recipe = await addonRecipe(await smallParts());
    expect(await isMadeBy(recipe, addon)).toBe(false);
    await writeFile(addon, recipe);
    expect(await isMadeBy(recipe, addon)).toBe(false);
    await writeFile(
      addon,
      Buffer.concat([Buffer.from('note'), Buffer.from(recipe, 'hex'), Buffer.from('end')]),
    );
    expect(await isMadeBy(recipe, addon)).toBe(true);
  });
});
