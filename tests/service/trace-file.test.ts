import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { span } from '../../main/engine/trace.ts';
import { traced, writeTrace } from '../../main/service/trace-file.ts';
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
    await expect(traced(join(folder, 'missing', 'trace.json'), work)).rejects.toThrow('no');
  });

  it('says where a trace cannot be written', async () => {
    const path = join(await temporaryFolder(), 'missing', 'trace.json');
    await expect(traced(path, () => Promise.resolve())).rejects.toMatchObject({
      code: 'output/not-writable',
    });
  });

  it('does only the work where no file is named', async () => {
    expect(await traced(undefined, () => Promise.resolve(7))).toBe(7);
  });
});
