import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openRunFolder, requireFreeSpace } from '../../main/service/run-folder.ts';

const PROCESS_SCRIPT = fileURLToPath(new URL('run-folder-process.ts', import.meta.url));
const answerSchema = z.object({
  folder: z.string().optional(),
  existing: z.boolean().optional(),
  code: z.string().optional(),
  found: z.string().optional(),
});

interface Holder {
  readonly process: ChildProcessWithoutNullStreams;
  readonly answer: z.infer<typeof answerSchema>;
}

let work = '';
const started: ChildProcessWithoutNullStreams[] = [];
beforeEach(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), 'claq-run-folder-')));
});
afterEach(async () => {
  for (const each of started.splice(0)) each.kill('SIGKILL');
  await rm(work, { recursive: true });
});

const request = (folder?: string) => ({
  folder,
  model: '/models/tiny model',
  budget: '2.12',
  neededBytes: 1000,
});

/** Opens a run folder in a process of its own, working in `work`, and waits for what it says. */
async function openElsewhere(folder?: string): Promise<Holder> {
  const child = spawn(process.execPath, [PROCESS_SCRIPT, JSON.stringify(request(folder))], { cwd: work });
  started.push(child);
  for await (const line of createInterface(child.stdout)) {
    return { process: child, answer: answerSchema.parse(JSON.parse(line)) };
  }
  throw new Error('the process said nothing');
}

async function closed(holder: Holder): Promise<void> {
  const exit = once(holder.process, 'exit');
  holder.process.stdin.end();
  await exit;
}

describe('openRunFolder', () => {
  it('numbers the runs of a model and budget under runs/', async () => {
    const first = await openElsewhere();
    const second = await openElsewhere();
    expect([first.answer, second.answer]).toEqual([
      { folder: join(work, 'runs', 'tiny-model-2.12-1'), existing: false },
      { folder: join(work, 'runs', 'tiny-model-2.12-2'), existing: false },
    ]);
    await closed(first);
    expect(await readdir(join(work, 'runs', 'tiny-model-2.12-1'))).toEqual(['run.json']);
    expect(JSON.parse(await readFile(join(work, 'runs', 'tiny-model-2.12-1', 'run.json'), 'utf8'))).toEqual({
      state: 'done',
    });
  });

  it('refuses a folder that another process holds, and names that process', async () => {
    const folder = join(work, 'run');
    const holder = await openElsewhere(folder);
    const { since } = z
      .object({ since: z.string() })
      .parse(JSON.parse(await readFile(join(folder, 'run.lock'), 'utf8')));
    await expect(openRunFolder(request(folder))).rejects.toMatchObject({
      code: 'output/in-use',
      found: `held by process ${String(holder.process.pid)} on ${hostname()} since ${since}`,
    });
    await closed(holder);
    const run = await openRunFolder(request(folder));
    expect(run.existing).toBe(true);
    await run.release();
  });

  it('takes over the folder of a process that was killed', async () => {
    const folder = join(work, 'run');
    const holder = await openElsewhere(folder);
    const exit = once(holder.process, 'exit');
    holder.process.kill('SIGKILL');
    await exit;
    expect(await readdir(folder)).toEqual(['run.lock']);
    const run = await openRunFolder(request(folder));
    expect(run.existing).toBe(false);
    expect((await openElsewhere(folder)).answer.found).toContain(`process ${process.pid} on`);
    await run.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('lets one of two runs in the same process have a folder', async () => {
    const folder = join(work, 'run');
    const run = await openRunFolder(request(folder));
    await expect(openRunFolder(request(folder))).rejects.toMatchObject({ code: 'output/in-use' });
    await run.release();
    await run.release();
    await (await openRunFolder(request(folder))).release();
  });

  it('believes a lock that it cannot check: of another machine, or unreadable', async () => {
    const folder = join(work, 'run');
    await mkdir(folder);
    await writeFile(
      join(folder, 'run.lock'),
      JSON.stringify({ pid: 1, host: 'elsewhere.invalid', since: '2026-01-02T03:04:05.000Z' }),
    );
    await expect(openRunFolder(request(folder))).rejects.toMatchObject({
      found: 'held by process 1 on elsewhere.invalid since 2026-01-02T03:04:05.000Z',
    });
    await writeFile(join(folder, 'run.lock'), '');
    await expect(openRunFolder(request(folder))).rejects.toMatchObject({
      code: 'output/in-use',
      found: 'held by a process that left no name',
    });
  });

  it('refuses a folder with something else in it, and a file', async () => {
    const folder = join(work, 'photos');
    await mkdir(folder);
    await writeFile(join(folder, 'cat.jpg'), 'miaow');
    await expect(openRunFolder(request(folder))).rejects.toMatchObject({
      code: 'output/not-empty',
      found: 'cat.jpg',
    });
    await expect(openRunFolder(request(join(folder, 'cat.jpg')))).rejects.toMatchObject({
      code: 'output/not-writable',
    });
    expect(await readdir(folder)).toEqual(['cat.jpg']);
  });

  it('refuses a disk without the space, says how much is needed, and leaves nothing behind', async () => {
    const folder = join(work, 'run');
    await expect(openRunFolder({ ...request(folder), neededBytes: 2 ** 60 })).rejects.toMatchObject({
      code: 'output/disk-full',
      expected: '1152922 TB free (1152921504606847000 bytes)',
    });
    expect(await readdir(work)).toEqual([]);
  });

  it('needs no room for what an unfinished run has written already', async () => {
    const folder = join(work, 'run');
    await mkdir(join(folder, 'matrices'), { recursive: true });
    await writeFile(join(folder, 'run.json'), '{}');
    const path = join(folder, 'matrices', 'a.safetensors');
    await writeFile(path, '');
    const neededBytes = 2 ** 42;
    // As long as it says, without taking up the disk.
    await truncate(path, neededBytes - 1000);
    const run = await openRunFolder({ ...request(folder), neededBytes });
    expect(run.existing).toBe(true);
    await run.release();
    await truncate(path, 0);
    await expect(openRunFolder({ ...request(folder), neededBytes })).rejects.toMatchObject({
      code: 'output/disk-full',
    });
  });

  it('removes a folder made for a run that came to nothing', async () => {
    const folder = join(work, 'run');
    await (await openRunFolder(request(folder))).release();
    expect(await readdir(work)).toEqual([]);
  });

  it('replaces run.json whole', async () => {
    const run = await openRunFolder(request(join(work, 'run')));
    await run.writeRun({ state: 'running' });
    await run.writeRun({ state: 'done' });
    expect(await readFile(join(run.folder, 'run.json'), 'utf8')).toBe('{\n  "state": "done"\n}\n');
    expect((await readdir(run.folder)).toSorted()).toEqual(['run.json', 'run.lock']);
    await run.release();
  });
});

describe('requireFreeSpace', () => {
  it('is content where there is room', async () => {
    await expect(requireFreeSpace(work, 1)).resolves.toBeUndefined();
  });
});
