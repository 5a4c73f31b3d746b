import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { DEMO_MODEL } from '../../../main/service/bundled-texts.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { type LocalHub, localCommit } from './local-hub.ts';
import {
  contentsOf,
  download,
  downloadHalf,
  followed,
  hubWith,
  newFolder,
  noise,
  REPOSITORY,
  smallModel,
  WEIGHTS,
  WEIGHTS_BYTES,
} from './small-hub.ts';

/** Names of the files that were asked for, each once; of a storage's answer or the hub's own. */
function fetchedFiles({ requests }: LocalHub): string[] {
  return [...new Set(requests.flatMap(({ file }) => file ?? []))].toSorted();
}

describe('downloadModel', () => {
  it('gives a folder that can be opened, byte by byte the source', async () => {
    const hub = await hubWith(DEMO_MODEL);
    const folder = await newFolder();
    const summary = await download(hub, folder);
    const commit = await localCommit(DEMO_MODEL);
    expect(summary).toEqual({
      folder,
      commit,
      files: [
        'config.json',
        'generation_config.json',
        'tokenizer.json',
        'tokenizer_config.json',
        'model.safetensors',
      ],
      bytes: 6_571_182,
    });
    for (const name of await readdir(DEMO_MODEL)) {
      const source = await readFile(join(DEMO_MODEL, name));
      expect(source.equals(await readFile(join(folder, name)))).toBe(true);
    }
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.model.blocks).toBe(6);
    await checkpoint.close();
    const manifest: unknown = JSON.parse(await readFile(join(folder, 'claq-download.json'), 'utf8'));
    expect(manifest).toMatchObject({ version: 1, repository: REPOSITORY, revision: 'main', commit });
  });

  it('asks for every file at the commit, not at the branch, and for nothing twice', async () => {
    const hub = await hubWith(await smallModel());
    const { commit } = await download(hub, await newFolder());
    const paths = hub.requests.map(({ path }) => path.replace(/\?.*/, ''));
    expect(paths.filter((path) => path.includes('/main'))).toEqual([
      `/api/models/${REPOSITORY}/revision/main`,
    ]);
    const resolved = paths.filter((path) => path.includes('/resolve/')).toSorted();
    expect(resolved).toEqual([
      `/${REPOSITORY}/resolve/${commit}/config.json`,
      `/${REPOSITORY}/resolve/${commit}/model.safetensors`,
      `/${REPOSITORY}/resolve/${commit}/tokenizer_config.json`,
    ]);
  });

  it('takes what a model needs, from all pages of the listing', async () => {
    const source = await smallModel({
      'LICENSE.txt': 'free',
      'README.md': '# Small',
      'chat_template.jinja': '{{ messages }}',
      'merges.txt': 'a b',
      'pytorch_model.bin': 'pickle',
      'tokenizer.json': '{}',
      'training_args.bin': 'pickle',
      'vocab.json': '{}',
      'zebra.png': 'picture',
    });
    const hub = await hubWith(source, { pageSize: 2 });
    const { files } = await download(hub, await newFolder());
    expect(files).toEqual([
      'LICENSE.txt',
      'README.md',
      'chat_template.jinja',
      'config.json',
      'merges.txt',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.json',
      'model.safetensors',
    ]);
  });

  it('takes the shards that the index names, and no other weights', async () => {
    const index = {
      weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
    };
    const source = await smallModel({
      'consolidated.safetensors': noise(1000, 2),
      'model-00001-of-00002.safetensors': noise(1000, 3),
      'model-00002-of-00002.safetensors': noise(1000, 4),
      'model.safetensors.index.json': JSON.stringify(index),
    });
    await rm(join(source, WEIGHTS));
    const hub = await hubWith(source);
    const folder = await newFolder();
    await download(hub, folder);
    const { 'consolidated.safetensors': consolidated, ...wanted } = await contentsOf(source);
    expect(consolidated).toBeDefined();
    expect(await contentsOf(folder)).toEqual(wanted);
    const ofIndex = hub.requests.filter(({ path }) => path.includes('/resolve/') && path.includes('index'));
    expect(ofIndex).toHaveLength(1);
  });

  it('tells its progress in bytes, from nothing to all', async () => {
    const hub = await hubWith(await smallModel());
    const { progress, ...rest } = followed();
    const { bytes } = await download(hub, await newFolder(), rest);
    const common = { phase: 'Downloading', total: bytes, unit: 'bytes' };
    expect(progress[0]).toEqual({ ...common, done: 0 });
    expect(progress.at(-1)).toMatchObject({ ...common, done: bytes });
    const done = progress.map((each) => each.done);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    const details = new Set(progress.map(({ detail }) => detail));
    expect(details).toEqual(new Set([undefined, 'config.json', 'tokenizer_config.json', WEIGHTS]));
  });
});

describe('a download that is called off', () => {
  it('keeps what has come, and goes on behind it', async () => {
    const source = await smallModel();
    const first = await hubWith(source);
    const folder = await newFolder();
    const half = await downloadHalf(first, folder);
    expect(half).toBeGreaterThanOrEqual(WEIGHTS_BYTES / 2);
    expect(half).toBeLessThan(WEIGHTS_BYTES);
    expect((await readdir(folder)).toSorted()).toEqual([
      'claq-download.json',
      'config.json',
      'model.safetensors.partial',
      'tokenizer_config.json',
    ]);

    const second = await hubWith(source);
    const { progress, ...rest } = followed();
    const { bytes } = await download(second, folder, rest);
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
    const ofWeights = second.requests.filter(({ file }) => file === WEIGHTS);
    expect(ofWeights.map(({ server, range }) => ({ server, range }))).toEqual([
      { server: 'hub', range: `bytes=${half}-` },
      { server: 'storage', range: `bytes=${half}-` },
    ]);
    // config.json is looked at before a download begins.
    expect(fetchedFiles(second)).toEqual(['config.json', WEIGHTS]);
    expect(progress[0]?.done).toBe(bytes - WEIGHTS_BYTES + half);
  });

  it('throws run/cancelled, before it begins as well', async () => {
    const hub = await hubWith(await smallModel());
    const folder = await newFolder();
    const error = await thrownBy(() => download(hub, folder, followed({}, AbortSignal.abort())));
    expect(error.code).toBe('run/cancelled');
    expect(hub.requests).toEqual([]);
    const controller = new AbortController();
    const intercept = (): boolean => {
      controller.abort();
      return true;
    };
    const silent = await hubWith(await smallModel(), { intercept });
    const later = await thrownBy(() => download(silent, folder, followed({}, controller.signal)));
    expect(later.code).toBe('run/cancelled');
    expect(await readdir(dirname(folder))).toEqual([]);
  });

  it('stays at its commit when the branch moves on', async () => {
    const source = await smallModel();
    const folder = await newFolder();
    await downloadHalf(await hubWith(source), folder);
    const hub = await hubWith(source);
    const { commit } = await download(hub, folder);
    expect(hub.requests[0]?.path).toContain(`/revision/${commit}?`);
  });

  it('fetches a part anew that was spoiled meanwhile', async () => {
    const source = await smallModel();
    const folder = await newFolder();
    const half = await downloadHalf(await hubWith(source), folder);
    await writeFile(join(folder, `${WEIGHTS}.partial`), new Uint8Array(half));
    const hub = await hubWith(source);
    await download(hub, folder);
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
    const ranges = hub.requests.filter(({ server }) => server === 'storage').map(({ range }) => range);
    expect(ranges).toEqual([`bytes=${half}-`, undefined]);
  });

  it('restarts a file whose server does not know ranges', async () => {
    const source = await smallModel();
    const folder = await newFolder();
    const half = await downloadHalf(await hubWith(source), folder);
    const { progress, ...rest } = followed();
    const { bytes } = await download(await hubWith(source, { ranges: false }), folder, rest);
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
    expect(progress[0]?.done).toBe(bytes - WEIGHTS_BYTES + half);
    expect(progress[1]?.done).toBe(bytes - WEIGHTS_BYTES);
    expect(progress.at(-1)?.done).toBe(bytes);
  });

  it('drops what belongs to another revision', async () => {
    const folder = await newFolder();
    await downloadHalf(await hubWith(await smallModel({ 'merges.txt': 'old' })), folder);
    const source = await smallModel({ [WEIGHTS]: noise(WEIGHTS_BYTES, 9) });
    const hub = await hubWith(source, { repository: { revision: 'v2' } });
    await download(hub, folder, followed(), { revision: 'v2' });
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
    expect(hub.requests.every(({ range }) => range === undefined)).toBe(true);
  });
});

describe('a folder with a whole download', () => {
  it('is left as it is', async () => {
    const source = await smallModel();
    const folder = await newFolder();
    const summary = await download(await hubWith(source), folder);
    const { mtimeMs } = await stat(join(folder, WEIGHTS));
    const hub = await hubWith(source);
    expect(await download(hub, folder)).toEqual(summary);
    expect((await stat(join(folder, WEIGHTS))).mtimeMs).toBe(mtimeMs);
    expect(fetchedFiles(hub)).toEqual(['config.json']);
  });

  it('gets back what was taken out of it or cut short', async () => {
    const source = await smallModel({ 'merges.txt': 'a b', 'vocab.json': '{}' });
    const folder = await newFolder();
    await download(await hubWith(source), folder);
    await rm(join(folder, 'merges.txt'));
    await writeFile(join(folder, 'config.json'), '{');
    await writeFile(join(folder, WEIGHTS), (await readFile(join(folder, WEIGHTS))).subarray(0, 1000));
    const hub = await hubWith(source);
    await download(hub, folder);
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
    expect(hub.requests.find(({ server }) => server === 'storage')?.range).toBe('bytes=1000-');
    expect(fetchedFiles(hub)).not.toContain('vocab.json');
  });

  it('recognizes a file that got its name just before the power went', async () => {
    const source = await smallModel();
    const folder = await newFolder();
    await downloadHalf(await hubWith(source), folder);
    await rm(join(folder, `${WEIGHTS}.partial`));
    await writeFile(join(folder, WEIGHTS), await readFile(join(source, WEIGHTS)));
    const hub = await hubWith(source);
    await download(hub, folder);
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
    expect(fetchedFiles(hub)).toEqual(['config.json']);
  });

  it('is not replaced by another commit', async () => {
    const folder = await newFolder();
    const { commit } = await download(await hubWith(await smallModel()), folder);
    const before = await contentsOf(folder);
    const moved = await hubWith(await smallModel({ 'README.md': 'new' }));
    const error = await thrownBy(() => download(moved, folder));
    expect(error.code).toBe('output/not-empty');
    expect(error.found).toContain(`at commit ${commit}, complete`);
    expect(await contentsOf(folder)).toEqual(before);
  });
});

describe('the folder of a download', () => {
  it('is refused where it holds something else', async () => {
    const hub = await hubWith(await smallModel());
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'thesis.txt'), 'mine');
    const error = await thrownBy(() => download(hub, folder));
    expect(error).toMatchObject({ code: 'output/not-empty', found: 'thesis.txt' });
    await writeFile(join(folder, 'claq-download.json'), '{"version": 7}');
    const other = await thrownBy(() => download(hub, folder));
    expect(other).toMatchObject({
      code: 'output/not-empty',
      found: "a claq-download.json that is not this program's",
    });
    expect((await readdir(folder)).toSorted()).toEqual(['claq-download.json', 'thesis.txt']);
  });

  it('is refused where it holds another model', async () => {
    const folder = await newFolder();
    await download(await hubWith(await smallModel()), folder);
    const hub = await hubWith(await smallModel());
    const error = await thrownBy(() => download(hub, folder, followed(), { repository: 'owner/other' }));
    expect(error).toMatchObject({ code: 'output/not-empty', found: `a download of ${REPOSITORY}` });
    expect(hub.requests).toEqual([]);
  });

  it('takes one download at a time', async () => {
    const source = await smallModel();
    const hub = await hubWith(source);
    const folder = await newFolder();
    const both = await Promise.allSettled([download(hub, folder), download(hub, folder)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const refused = both.find((each) => each.status === 'rejected');
    expect(refused?.reason).toMatchObject({
      code: 'output/in-use',
      message: 'Another download into this folder is at work',
    });
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
  });

  it('must be on a disk with room for what is missing', async () => {
    const source = await smallModel();
    const hub = await hubWith(source);
    const folder = await newFolder();
    const full = followed({ freeBytes: () => Promise.resolve(1_000_000) });
    const error = await thrownBy(() => download(hub, folder, full));
    expect(error).toMatchObject({
      code: 'output/disk-full',
      where: folder,
      expected: '17.4 MB free (17377724 bytes)',
      found: '1.00 MB free (1000000 bytes)',
    });
    expect(await readdir(dirname(folder))).toEqual([]);

    const half = await downloadHalf(hub, folder);
    const room = 2 ** 24 + WEIGHTS_BYTES - half;
    const tooLittle = followed({ freeBytes: () => Promise.resolve(room - 1) });
    expect((await thrownBy(() => download(hub, folder, tooLittle))).code).toBe('output/disk-full');
    await download(hub, folder, followed({ freeBytes: () => Promise.resolve(room) }));
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
  });
});

describe('names in a manifest', () => {
  it('lead nowhere else', async () => {
    const source = await smallModel();
    const folder = await newFolder();
    await downloadHalf(await hubWith(source), folder);
    const victim = join(dirname(folder), 'victim');
    await writeFile(victim, 'mine');
    const path = join(folder, 'claq-download.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('tokenizer_config.json', '../victim'));
    const hub = await hubWith(source);
    expect((await thrownBy(() => download(hub, folder))).code).toBe('output/not-empty');
    expect(await readFile(victim, 'utf8')).toBe('mine');
  });
});
