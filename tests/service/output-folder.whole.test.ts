import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantizeModel } from '../../main/service/quantize.ts';
import { type RunRecord, runRecordSchema } from '../../shared/run-record.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';
import { QUICK_TEXTS, writeTinyModel } from './tiny-model.ts';

let work = '';
let model = '';
let folders = 0;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-output-folder-'));
  model = await writeTinyModel(join(work, 'model'));
});
afterAll(() => rm(work, { recursive: true }));

/** A path that nothing has yet. */
function freshPath(): string {
  return join(work, String(++folders));
}

async function recordOf(run: string): Promise<RunRecord> {
  return runRecordSchema.parse(JSON.parse(await readFile(join(run, 'run.json'), 'utf8')));
}

describe('the output folder', () => {
  it('is refused before any text is read, where it holds something else', async () => {
    const out = freshPath();
    await mkdir(out);
    await writeFile(join(out, 'cat.jpg'), 'miaow');
    const phases: string[] = [];
    const error = await thrownBy(() =>
      quantizeModel({ model, out }, { onProgress: ({ phase }) => phases.push(phase) }),
    );
    expect(error).toMatchObject({ code: 'output/not-empty', where: out, found: 'cat.jpg' });
    expect(phases).toEqual([]);
    expect(await readdir(out)).toEqual(['cat.jpg']);
  });

  it('is refused while another process holds it, and left as it was', async () => {
    const out = freshPath();
    const request = JSON.stringify({ folder: out, model, budget: '4', neededBytes: 0 });
    const holder = spawn(process.execPath, [join(import.meta.dirname, 'run-folder-process.ts'), request]);
    try {
      await once(holder.stdout, 'data');
      const error = await thrownBy(() => quantizeModel({ model, out, ...QUICK_TEXTS }));
      expect(error).toMatchObject({ code: 'output/in-use', where: join(out, 'run.lock') });
      expect(error.expected).toBe('a folder that no other run writes to');
      expect(error.found).toContain(`held by process ${String(holder.pid)} on ${hostname()} since `);
      expect(error.remedy).toMatch(/./);
      expect(await readdir(out)).toEqual(['run.lock']);
    } finally {
      const exit = once(holder, 'exit');
      holder.stdin.end();
      await exit;
    }
  });

  it('is refused where it holds a finished run, which stays as it was', async () => {
    const out = freshPath();
    await quantizeModel({ model, out, ...QUICK_TEXTS, evaluation: { windows: 0 } });
    const before = await readFile(join(out, 'run.json'), 'utf8');
    const phases: string[] = [];
    const error = await thrownBy(() =>
      quantizeModel({ model, out, ...QUICK_TEXTS }, { onProgress: ({ phase }) => phases.push(phase) }),
    );
    expect(error).toMatchObject({ code: 'output/finished-run', where: out });
    expect([error.expected, error.found, error.remedy].every((detail) => detail !== undefined)).toBe(true);
    expect(phases).toEqual([]);
    expect(await readFile(join(out, 'run.json'), 'utf8')).toBe(before);
    expect(await readdir(join(out, 'matrices'))).toHaveLength(7);
  });

  it('of a run that was killed is taken over, and what it left behind is removed on demand', async () => {
    const out = freshPath();
    const twoBlocks = await writeTinyModel(freshPath(), { blocks: 2 });
    await quantizeModel({ model: twoBlocks, out, ...QUICK_TEXTS, evaluation: { windows: 0 } });
    const record = await recordOf(out);
    await writeFile(join(out, 'run.json'), JSON.stringify({ ...record, status: 'running', result: null }));
    // As a process leaves it that is killed while it writes: record, matrix and dense model under temporary names.
    await writeFile(join(out, '.run.json.5cb8.partial'), '{"version"');
    await writeFile(join(out, 'matrices', '.model.layers.1.mlp.up_proj.safetensors.5cb8.partial'), 'half');
    await mkdir(join(out, '.dense.partial'));
    await writeFile(join(out, '.dense.partial', 'config.json'), '{}');
    const { pid = 0 } = spawn(process.execPath, ['--version']);
    await writeFile(
      join(out, 'run.lock'),
      JSON.stringify({ pid: await gone(pid), host: hostname(), since: '2026-01-02T03:04:05.000Z' }),
    );

    await quantizeModel({ model, out, restart: true, ...QUICK_TEXTS, exportDtype: 'source' });
    expect((await readdir(out)).toSorted()).toEqual(['dense', 'matrices', 'run.json']);
    const matrices = await readdir(join(out, 'matrices'));
    expect(matrices).toHaveLength(7);
    expect(matrices.every((file) => file.startsWith('model.layers.0.'))).toBe(true);
    expect((await recordOf(out)).status).toBe('complete');
  });

  it('is not left with an empty run in it by a request that fails early', async () => {
    const out = freshPath();
    const calibration = { source: join(work, 'nowhere.txt') };
    expect(await thrownBy(() => quantizeModel({ model, out, calibration }))).toMatchObject({
      code: 'text/not-found',
    });
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

/** Waits until the process has ended: its id then belongs to none. */
async function gone(pid: number): Promise<number> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return pid;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
