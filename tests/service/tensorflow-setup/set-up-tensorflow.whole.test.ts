import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readInstallation } from '../../../main/engine/tensors/tensorflow/installation.ts';
import { buildAddon, findCompiler } from '../../../main/service/tensorflow-setup/build-addon.ts';
import { DOWNLOADS_FOLDER, withHome } from '../../../main/service/tensorflow-setup/home.ts';
import type { PinnedWheel } from '../../../main/service/tensorflow-setup/pinned-wheels.ts';
import type { SetupPlace } from '../../../main/service/tensorflow-setup/place.ts';
import { removeTensorflow } from '../../../main/service/tensorflow-setup/remove-tensorflow.ts';
import { setUpTensorflow } from '../../../main/service/tensorflow-setup/set-up-tensorflow.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { ADDON_SOURCE, HEADER, smallLibraries, writeFiles } from './small-tensorflow.ts';
import { pipEnvironment, writeWheel } from './small-wheels.ts';

const MACHINE = `${process.platform}-${process.arch}`;
const VERSIONS = ['2.21.0', '2.20.0'];

/** Made once: wheels of two versions in an index, and an addon that comes with the program. */
let made = '';
const wheels = new Map<string, PinnedWheel>();
let cuda: PinnedWheel | undefined;

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'claq-setup-'));
  const folder = join(made, 'build');
  await writeFiles(made, {
    'build/include/tensorflow/c/c_api.h': HEADER,
    'sources/binding.cc': ADDON_SOURCE,
    'index/.keep': '',
    [`addons/${MACHINE}/.keep`]: '',
  });
  for (const version of VERSIONS) {
    const libraries = await smallLibraries(join(folder, 'deps/lib'), version);
    const entries = Object.entries(libraries).map(([name, bytes]) => [`tensorflow/${name}`, bytes] as const);
    wheels.set(
      version,
      await writeWheel(join(made, 'index'), 'tensorflow-cpu', version, Object.fromEntries(entries)),
    );
  }
  cuda = await writeWheel(join(made, 'index'), 'nvidia-cublas-cu12', '12.9.0', {
    'nvidia/cublas/lib/libcublas.so.12': Buffer.from('a library'),
  });
  const nodeHeaders = join(
    dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')),
    'include',
  );
  const env = process.env;
  const compiler = await findCompiler({ env });
  await buildAddon(
    { compiler, sources: join(made, 'sources'), nodeHeaders, tensorflow: '2.21.0', folder, env },
    {},
  );
  await copyFile(
    join(folder, 'lib/napi-v8/tfjs_binding.node'),
    join(made, 'addons', MACHINE, 'tfjs_binding.node'),
  );
  return () => rm(made, { recursive: true });
});

async function smallPlace(change: Partial<SetupPlace> = {}): Promise<SetupPlace> {
  const pinned = Object.fromEntries(
    [...wheels].map(([version, wheel]) => [
      version,
      { [MACHINE]: { cpu: [wheel], gpu: cuda === undefined ? [] : [wheel, cuda] } },
    ]),
  );
  return {
    home: join(await temporaryFolder(), 'tensorflow'),
    env: pipEnvironment(join(made, 'index')),
    shippedAddons: join(made, 'addons'),
    pinned,
    ...change,
  };
}

/** With all wheels fetched already: pip takes a second for each. */
async function fetchedPlace(change: Partial<SetupPlace> = {}): Promise<SetupPlace> {
  const place = await smallPlace(change);
  await fetchAll(place);
  return place;
}

async function fetchAll({ home }: SetupPlace): Promise<void> {
  const downloads = join(home, DOWNLOADS_FOLDER);
  await mkdir(downloads, { recursive: true });
  for (const name of await readdir(join(made, 'index'))) {
    await copyFile(join(made, 'index', name), join(downloads, name));
  }
}

/** No Python, no compiler, no wheels: only for what needs none of them. */
const nothingAtAll = async (place: SetupPlace): Promise<SetupPlace> => ({
  ...place,
  env: { PATH: await temporaryFolder() },
});

describe('setUpTensorflow', () => {
  it('makes a whole installation and leaves nothing else', async () => {
    const place = await smallPlace();
    const seen = new Set<string>();
    const summary = await setUpTensorflow({}, { onProgress: ({ phase }) => seen.add(phase) }, place);
    const folder = join(place.home, 'cpu');
    expect(summary).toMatchObject({
      variant: 'cpu',
      folder,
      tensorflow: '2.21.0',
      addon: 'shipped',
      wheels: ['tensorflow-cpu 2.21.0'],
      alreadyThere: false,
    });
    expect([...seen]).toEqual(['Fetching tensorflow-cpu 2.21.0', 'Unpacking']);
    expect(await readdir(place.home)).toEqual(['cpu']);
    expect((await readdir(folder, { recursive: true })).toSorted()).toEqual([
      'deps',
      'deps/lib',
      'deps/lib/libtensorflow_cc.so.2',
      'deps/lib/libtensorflow_framework.so.2',
      'installation.json',
      'lib',
      'lib/napi-v8',
      'lib/napi-v8/tfjs_binding.node',
    ]);
    expect(await readInstallation('cpu', place.home)).toMatchObject({
      state: 'installed',
      record: {
        tensorflow: '2.21.0',
        wheels: [{ name: 'tensorflow-cpu', version: '2.21.0', sha256: wheels.get('2.21.0')?.sha256 }],
        addon: { tfjs: '4.22.0', origin: 'shipped' },
      },
    });
  });

  it('finds what is there, and needs nothing for it', async () => {
    const place = await fetchedPlace();
    const first = await setUpTensorflow({}, {}, place);
    const second = await setUpTensorflow({}, {}, await nothingAtAll(place));
    expect(second).toEqual({ ...first, alreadyThere: true, seconds: expect.any(Number) as number });
  });

  it('puts the CUDA libraries where TensorFlow looks for them, beside the one for CPUs', async () => {
    const place = await fetchedPlace();
    await setUpTensorflow({}, {}, place);
    await fetchAll(place);
    const summary = await setUpTensorflow({ gpu: true }, {}, place);
    expect(summary.wheels).toEqual(['tensorflow-cpu 2.21.0', 'nvidia-cublas-cu12 12.9.0']);
    const library = join(place.home, 'gpu/deps/nvidia/cublas/lib/libcublas.so.12');
    expect(await readFile(library, 'utf8')).toBe('a library');
    expect((await readdir(place.home)).toSorted()).toEqual(['cpu', 'gpu']);
  });

  it('replaces another version only where one is asked for', async () => {
    const place = await fetchedPlace();
    await setUpTensorflow({ tensorflow: '2.20.0' }, {}, place);
    await fetchAll(place);
    expect(await setUpTensorflow({}, {}, place)).toMatchObject({ tensorflow: '2.20.0', alreadyThere: true });
    const replaced = await setUpTensorflow({ tensorflow: '2.21.0' }, {}, place);
    expect(replaced).toMatchObject({ tensorflow: '2.21.0', alreadyThere: false });
    expect(await readdir(place.home)).toEqual(['cpu']);
  });

  it('makes an installation anew that is not whole, and clears away what an earlier one left', async () => {
    const place = await fetchedPlace();
    await setUpTensorflow({}, {}, place);
    await fetchAll(place);
    await truncate(join(place.home, 'cpu/lib/napi-v8/tfjs_binding.node'), 100);
    await mkdir(join(place.home, 'cpu.dead.unfinished/deps'), { recursive: true });
    expect((await setUpTensorflow({}, {}, place)).alreadyThere).toBe(false);
    expect(await readdir(place.home)).toEqual(['cpu']);
  });

  it('keeps what was fetched, and nothing half made, where TensorFlow does not load', async () => {
    const wrong = wheels.get('2.20.0');
    if (wrong === undefined) throw new Error('no wheel');
    const place = await smallPlace({ pinned: { '2.21.0': { [MACHINE]: { cpu: [wrong] } } } });
    const error = await thrownBy(() => setUpTensorflow({}, {}, place));
    expect(error).toMatchObject({ code: 'setup/check-failed', found: 'TensorFlow 2.20.0' });
    expect(await readdir(place.home, { recursive: true })).toEqual([
      DOWNLOADS_FOLDER,
      `${DOWNLOADS_FOLDER}/${wrong.file}`,
    ]);
  });

  it('tells before it fetches that Python is missing, and leaves no folder', async () => {
    const place = await nothingAtAll(await smallPlace());
    expect((await thrownBy(() => setUpTensorflow({}, {}, place))).code).toBe('setup/python-missing');
    expect((await readInstallation('cpu', place.home)).state).toBe('missing');
    expect(await readdir(dirname(place.home))).toEqual([]);
  });

  it('tells before it fetches that the disk is too small', async () => {
    const wheel = wheels.get('2.21.0');
    if (wheel === undefined) throw new Error('no wheel');
    const huge = { ...wheel, unpackedBytes: 1e18 };
    const place = await smallPlace({ pinned: { '2.21.0': { [MACHINE]: { cpu: [huge] } } } });
    const error = await thrownBy(() => setUpTensorflow({}, {}, place));
    expect(error).toMatchObject({ code: 'output/disk-full', where: place.home });
    expect(error.remedy).toContain('CLAQ_TENSORFLOW_HOME');
    expect(await readdir(dirname(place.home))).toEqual([]);
  });

  it('lets one set-up in at a time', async () => {
    const place = await smallPlace();
    const error = await withHome(place.home, () => thrownBy(() => setUpTensorflow({}, {}, place)));
    expect(error.code).toBe('output/in-use');
    expect(error.message).toBe('Another set-up of TensorFlow is at work');
    expect(error.found).toContain(`process ${process.pid}`);
  });

  it('leaves nothing behind when it is called off while it unpacks', async () => {
    const place = await smallPlace();
    const controller = new AbortController();
    const hooks = {
      signal: controller.signal,
      onProgress: ({ phase }: { readonly phase: string }) => {
        if (phase === 'Unpacking') controller.abort();
      },
    };
    expect((await thrownBy(() => setUpTensorflow({}, hooks, place))).code).toBe('run/cancelled');
    expect(await readdir(place.home)).toEqual([DOWNLOADS_FOLDER]);
    expect((await setUpTensorflow({}, {}, place)).alreadyThere).toBe(false);
  });

  it('leaves alone what it did not make', async () => {
    const place = await smallPlace();
    await writeFiles(place.home, { 'cpu/mine.txt': 'mine', 'notes.unfinished/mine.txt': 'mine' });
    const refused = { code: 'output/not-empty', where: join(place.home, 'cpu') };
    expect(await thrownBy(() => setUpTensorflow({}, {}, place))).toMatchObject(refused);
    expect(await thrownBy(() => removeTensorflow({}, place))).toMatchObject(refused);
    await removeTensorflow({ gpu: true }, place);
    expect((await readdir(place.home, { recursive: true })).toSorted()).toEqual([
      'cpu',
      'cpu/mine.txt',
      'notes.unfinished',
      'notes.unfinished/mine.txt',
    ]);
  });

  it('refuses a version that is none', async () => {
    const error = await thrownBy(() => setUpTensorflow({ tensorflow: 'latest' }));
    expect(error).toMatchObject({ code: 'request/invalid', where: 'tensorflow', found: '"latest"' });
  });
});

describe('removeTensorflow', () => {
  it('removes one variant and what was fetched, and says how much it was', async () => {
    const place = await fetchedPlace();
    const { bytes } = await setUpTensorflow({}, {}, place);
    await fetchAll(place);
    await setUpTensorflow({ gpu: true }, {}, place);
    await mkdir(join(place.home, DOWNLOADS_FOLDER));
    await writeFile(join(place.home, DOWNLOADS_FOLDER, 'some.whl'), 'ten bytes.');
    expect(await removeTensorflow({}, place)).toEqual({
      variant: 'cpu',
      folder: join(place.home, 'cpu'),
      bytes: bytes + 10,
    });
    expect(await readdir(place.home)).toEqual(['gpu']);
    await removeTensorflow({ gpu: true }, place);
    expect(await readdir(dirname(place.home))).toEqual([]);
  });

  it('has nothing to do where there is none', async () => {
    const place = await smallPlace();
    expect(await removeTensorflow({}, place)).toMatchObject({ bytes: 0 });
    expect(await readdir(dirname(place.home))).toEqual([]);
  });
});
