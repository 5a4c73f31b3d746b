import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { span } from '../../main/engine/trace.ts';
import { requireWritable, traced, writeTrace } from '../../main/service/trace-file.ts';
import { temporaryFolder } from '../engine/checkpoint/temporary-folder.ts';

describe('writeTrace', () => {
  it('is in the trace event format: microseconds, a thread a lane', async () => {
    const path = join(await temporaryFolder(), 'trace.json');
    await writeTrace(path, [
      { lane: 'kernels', name: 'quantize', start: 1000.5, end: 1003 },
      { lane: 'run', name: 'hessian', start: 1000, end: 1010.25 },
    ]);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      traceEvents: [
        { ph: 'M', name: 'thread_name', pid: 1, tid: 0, args: { name: 'run' } },
        { ph: 'M', name: 'thread_name', pid: 1, tid: 1, args: { name: 'tensors' } },
        { ph: 'M', name: 'thread_name', pid: 1, tid: 2, args: { name: 'kernels' } },
        { ph: 'X', name: 'quantize', cat: 'kernels', pid: 1, tid: 2, ts: 500, dur: 2500 },
        { ph: 'X', name: 'hessian', cat: 'run', pid: 1, tid: 0, ts: 0, dur: 10_250 },
      ],
    });
  });
});

describe('traced', () => {
  it('writes the trace of work that fails, and tells of its failure', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'trace.json');
    const work = (): Promise<void> => span('run', 'forward', () => Promise.reject(new RangeError('no')));
    await expect(traced(path, work)).rejects.toThrow('no');
    expect(await readFile(path, 'utf8')).toContain('forward');
  });

  it('only notes that a trace could not be written: the work stands, and so does its failure', async () => {
    const path = join(await temporaryFolder(), 'missing', 'trace.json');
    const notes: string[] = [];
    const onNote = (line: string): void => {
      notes.push(line);
    };
    expect(await traced(path, () => Promise.resolve(7), onNote)).toBe(7);
    await expect(traced(path, () => Promise.reject(new RangeError('no')), onNote)).rejects.toThrow('no');
    const note = `No trace was written to ${path}: The file cannot be written`;
    expect(notes).toEqual([note, note]);
  });

  it('does only the work where no file is named', async () => {
    expect(await traced(undefined, () => Promise.resolve(7))).toBe(7);
  });
});

describe('requireWritable', () => {
  it('leaves no trace of its own, and an older file as it was', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'trace.json');
    await requireWritable(path);
    expect(await readdir(folder)).toEqual([]);
    await writeFile(path, 'older');
    await requireWritable(path);
    expect(await readdir(folder)).toEqual(['trace.json']);
    expect(await readFile(path, 'utf8')).toBe('older');
  });

  it.each(['missing/trace.json', 'file/trace.json', 'folder', 'folder/'])('refuses %s', async (name) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'folder'));
    await writeFile(join(folder, 'file'), '');
    const path = `${folder}/${name}`;
    await expect(requireWritable(path)).rejects.toMatchObject({ code: 'output/not-writable', where: path });
    expect((await readdir(folder, { recursive: true })).toSorted()).toEqual(['file', 'folder']);
  });
});
