import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportQuantized } from '../../main/service/export.ts';
import { quantizeModel } from '../../main/service/quantize.ts';
import { runRecordSchema } from '../../shared/run-record.ts';
import { QUICK_TEXTS, writeTinyModel } from './tiny-model.ts';

let work = '';
let model = '';
let run = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-export-'));
  model = await writeTinyModel(join(work, 'model'));
  run = join(work, 'run');
  await quantizeModel({ model, out: run, ...QUICK_TEXTS, evaluation: { windows: 0 } });
});
afterAll(() => rm(work, { recursive: true }));

/** The dtypes of the dense exports that the run's record names, the latest last. */
async function recordedDtypes(): Promise<string[]> {
  const { exports } = runRecordSchema.parse(JSON.parse(await readFile(join(run, 'run.json'), 'utf8')));
  return exports.map(({ target }) => target.dtype);
}

describe('an export that was called off', () => {
  it('leaves a finished run, which says how to export it', async () => {
    const out = join(work, 'called-off');
    const request = { model, out, ...QUICK_TEXTS, evaluation: { windows: 0 }, exportDtype: 'f16' } as const;
    const controller = new AbortController();
    const notes: string[] = [];
    const cancelled = quantizeModel(request, {
      signal: controller.signal,
      onNote: (line) => notes.push(line),
      onProgress: ({ phase }) => {
        if (phase === 'Writing the model') controller.abort();
      },
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'run/cancelled' });
    expect(notes.at(-1)).toBe(
      `The run itself is complete; to export it: claq export ${out} --to dense --dtype f16`,
    );
    expect((await readdir(out)).toSorted()).toEqual(['matrices', 'run.json']);

    const refusal = { code: 'output/finished-run', where: out };
    const otherwise = 'choose another folder with --out, or delete this one';
    await expect(quantizeModel(request)).rejects.toMatchObject({
      ...refusal,
      remedy: `export it (claq export ${out} --to dense), ${otherwise}`,
    });
    await exportQuantized({ source: out });
    await expect(quantizeModel(request)).rejects.toMatchObject({ ...refusal, remedy: otherwise });
  });
});

describe('exportQuantized', () => {
  it('has a folder of its own for each dtype, named in the record', async () => {
    for (const [dtype, folder] of [
      ['source', 'dense'],
      ['f16', 'dense-f16'],
      ['f32', 'dense-f32'],
    ] as const) {
      expect(await exportQuantized({ source: run, target: { format: 'dense', dtype } })).toMatchObject({
        target: { format: 'dense', dtype },
        folder: join(run, folder),
        files: 7,
      });
      expect((await recordedDtypes()).at(-1)).toBe(dtype);
    }
    expect((await readdir(run)).toSorted()).toEqual([
      'dense',
      'dense-f16',
      'dense-f32',
      'matrices',
      'run.json',
    ]);
  });

  it('says how to export again, before it reads the model', async () => {
    const phases: string[] = [];
    const again = exportQuantized({ source: run }, { onProgress: ({ phase }) => phases.push(phase) });
    await expect(again).rejects.toMatchObject({
      code: 'output/exported-already',
      where: join(run, 'dense'),
      found: '7 files',
      remedy: 'use what is there, or name another folder with --out',
    });
    expect(phases).toEqual([]);
    expect(await readdir(run)).not.toContain('run.lock');
  });

  it('leaves the record alone where the folder was named', async () => {
    await exportQuantized({ source: run, out: join(run, 'mine') });
    await exportQuantized({ source: run, out: join(work, 'elsewhere') });
    expect(await recordedDtypes()).toEqual(['source', 'f16', 'f32']);
  });

  it('writes into a run only while no other process does; elsewhere it needs no leave', async () => {
    const request = JSON.stringify({ folder: run, model, budget: '4', neededBytes: 0 });
    const holder = spawn(process.execPath, [join(import.meta.dirname, 'run-folder-process.ts'), request]);
    try {
      await once(holder.stdout, 'data');
      const refusal = { code: 'output/in-use', where: join(run, 'run.lock') };
      await rm(join(run, 'dense-f16'), { recursive: true });
      await expect(
        exportQuantized({ source: run, target: { format: 'dense', dtype: 'f16' } }),
      ).rejects.toMatchObject(refusal);
      await expect(exportQuantized({ source: run, out: join(run, 'second') })).rejects.toMatchObject(refusal);
      const outside = await exportQuantized({ source: run, out: join(work, 'outside') });
      expect(outside.folder).toBe(join(work, 'outside'));
    } finally {
      const exit = once(holder, 'exit');
      holder.stdin.end();
      await exit;
    }
  });
});
