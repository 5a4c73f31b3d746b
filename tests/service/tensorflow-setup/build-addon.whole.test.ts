import { readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addonRecipe, isMadeBy } from '../../../main/service/tensorflow-setup/addon-recipe.ts';
import {
  type AddonBuild,
  buildAddon,
  findCompiler,
} from '../../../main/service/tensorflow-setup/build-addon.ts';
import { checkAddon } from '../../../main/service/tensorflow-setup/check-addon.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { ADDON_SOURCE, HEADER, smallLibraries, writeFiles } from './small-tensorflow.ts';

const env = process.env;
const NODE_HEADERS = join(
  dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')),
  'include',
);

async function smallBuild(source = ADDON_SOURCE): Promise<AddonBuild> {
  const folder = await temporaryFolder();
  await writeFiles(folder, { 'include/tensorflow/c/c_api.h': HEADER });
  await smallLibraries(join(folder, 'deps/lib'), '2.21.0');
  const sources = await temporaryFolder();
  await writeFiles(sources, { 'binding.cc': source });
  const compiler = await findCompiler({ env });
  return { compiler, sources, nodeHeaders: NODE_HEADERS, tensorflow: '2.21.0', folder, env };
}

const addonOf = ({ folder }: AddonBuild): string => join(folder, 'lib/napi-v8/tfjs_binding.node');

describe('buildAddon', () => {
  it('builds one that finds its libraries beside itself', async () => {
    const build = await smallBuild();
    const seen: string[] = [];
    await buildAddon(build, {
      onProgress: ({ phase, done, total }) => seen.push(`${phase} ${done}/${total}`),
    });
    expect(seen).toEqual(['Building the addon 0/2', 'Building the addon 1/2', 'Building the addon 2/2']);
    await checkAddon(addonOf(build), '2.21.0', { env });

    const other = await thrownBy(() => checkAddon(addonOf(build), '2.20.0', { env }));
    expect(other).toMatchObject({
      code: 'setup/check-failed',
      expected: 'TensorFlow 2.20.0',
      found: 'TensorFlow 2.21.0',
    });

    await rm(join(build.folder, 'deps/lib/libtensorflow_cc.so.2'));
    const missing = await thrownBy(() => checkAddon(addonOf(build), '2.21.0', { env }));
    expect(missing.code).toBe('setup/check-failed');
    expect(missing.found).toMatch(/^Error: libtensorflow_cc\.so\.2: cannot open shared object file/);
  });

  it('builds one that says what it is made of, and not where that lay', async () => {
    const build = await smallBuild(`${ADDON_SOURCE}\nconst char* where() { return __FILE__; }\n`);
    await buildAddon(build, {});
    const addon = addonOf(build);
    expect(await isMadeBy(await addonRecipe(build), addon)).toBe(true);
    expect(await isMadeBy(await addonRecipe({ ...build, tensorflow: '2.20.0' }), addon)).toBe(false);
    const text = await readFile(addon, 'latin1');
    expect(text).toContain(`${basename(build.sources)}/binding.cc`);
    for (const folder of [build.sources, build.folder]) expect(text).not.toContain(folder);
  });

  it('tells what the compiler said', async () => {
    const build = await smallBuild('#include "no-such-header.h"\n');
    const error = await thrownBy(() => buildAddon(build, {}));
    expect(error.code).toBe('setup/build-failed');
    expect(error.found).toContain('no-such-header.h');
  });
});

describe('findCompiler', () => {
  it('says what installs one where there is none', async () => {
    const error = await thrownBy(async () => findCompiler({ env: { PATH: await temporaryFolder() } }));
    expect(error).toMatchObject({ code: 'setup/compiler-missing', expected: 'c++ or g++ or clang++' });
    expect(error.remedy).toContain('sudo apt install build-essential');
  });

  it('takes the one that the environment names, or none', async () => {
    expect(await findCompiler({ env: { ...env, CXX: 'g++' } })).toBe('g++');
    const error = await thrownBy(() => findCompiler({ env: { ...env, CXX: 'no-such-compiler' } }));
    expect(error).toMatchObject({
      code: 'setup/compiler-missing',
      where: 'CXX',
      expected: 'no-such-compiler',
    });
  });
});
