import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  fetchWheel,
  type Fetching,
  requireHash,
} from '../../../main/service/tensorflow-setup/fetch-wheel.ts';
import type { PinnedWheel } from '../../../main/service/tensorflow-setup/pinned-wheels.ts';
import type { Progress } from '../../../shared/progress.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { pipEnvironment, writeWheel } from './small-wheels.ts';

/** A wheel in an index of its own, and an empty folder of downloads. */
async function indexWithWheel(): Promise<{ wheel: PinnedWheel; index: string; fetching: Fetching }> {
  const index = await temporaryFolder();
  const wheel = await writeWheel(index, 'tensorflow-cpu', '2.21.0', { 'tensorflow/a.txt': Buffer.from('a') });
  const fetching = { folder: await temporaryFolder(), python: 'python3', env: pipEnvironment(index) };
  return { wheel, index, fetching };
}

describe('fetchWheel', () => {
  it('fetches with pip, whatever Python that runs on, and leaves the wheel only', async () => {
    const { wheel, index, fetching } = await indexWithWheel();
    const seen: Progress[] = [];
    const path = await fetchWheel(wheel, fetching, { onProgress: (progress) => seen.push(progress) });
    expect(await readFile(path)).toEqual(await readFile(join(index, wheel.file)));
    expect(await readdir(fetching.folder)).toEqual([wheel.file]);
    const phase = { phase: 'Fetching tensorflow-cpu 2.21.0', total: wheel.bytes, unit: 'bytes' };
    expect(seen[0]).toEqual({ ...phase, done: 0 });
    expect(seen.at(-1)).toEqual({ ...phase, done: wheel.bytes });
  });

  it('does not fetch a wheel again that is there whole', async () => {
    const { wheel, index, fetching } = await indexWithWheel();
    await writeFile(join(fetching.folder, wheel.file), await readFile(join(index, wheel.file)));
    const path = await fetchWheel(wheel, { ...fetching, python: 'no-such-program' }, {});
    expect(path).toBe(join(fetching.folder, wheel.file));
  });

  it('replaces a wheel that was cut short', async () => {
    const { wheel, index, fetching } = await indexWithWheel();
    const whole = await readFile(join(index, wheel.file));
    await writeFile(join(fetching.folder, wheel.file), whole.subarray(0, 100));
    expect(await readFile(await fetchWheel(wheel, fetching, {}))).toEqual(whole);
  });

  it('refuses a wheel with another hash, and keeps nothing of it', async () => {
    const { wheel, fetching } = await indexWithWheel();
    const other = { ...wheel, sha256: '0'.repeat(64) };
    const error = await thrownBy(() => fetchWheel(other, fetching, {}));
    expect(error.code).toBe('setup/download-failed');
    expect(error.found).toMatch(/Expected sha256 0{64}.*Got/);
    expect(await readdir(fetching.folder)).toEqual([]);
  });

  it('tells what pip said where there is no such wheel', async () => {
    const { wheel, fetching } = await indexWithWheel();
    const error = await thrownBy(() => fetchWheel({ ...wheel, version: '2.22.0' }, fetching, {}));
    expect(error.code).toBe('setup/download-failed');
    expect(error.found).toMatch(/No matching distribution found for tensorflow-cpu==2\.22\.0/);
    expect(error.remedy).toContain('PIP_INDEX_URL');
  });

  it('stops when it is called off, and cleans up behind pip', async () => {
    const { wheel, fetching } = await indexWithWheel();
    const controller = new AbortController();
    const hooks = { signal: controller.signal, onProgress: () => controller.abort() };
    expect((await thrownBy(() => fetchWheel(wheel, fetching, hooks))).code).toBe('run/cancelled');
    expect(await readdir(fetching.folder)).toEqual([]);
  });
});

describe('requireHash', () => {
  it('removes a file that is not the wheel', async () => {
    const { wheel, fetching } = await indexWithWheel();
    const path = join(fetching.folder, wheel.file);
    await writeFile(path, 'something else');
    const error = await thrownBy(() => requireHash(path, wheel));
    expect(error).toMatchObject({ code: 'setup/download-failed', expected: `sha256 ${wheel.sha256}` });
    expect(await readdir(fetching.folder)).toEqual([]);
  });
});
