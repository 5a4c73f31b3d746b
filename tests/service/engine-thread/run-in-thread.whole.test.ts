import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type EngineTask, type TaskRequest } from '../../../main/service/engine-thread/protocol.ts';
import { inEngineThread } from '../../../main/service/engine-thread/run-in-thread.ts';
import { lockFolder } from '../../../main/engine/checkpoint/folder-lock.ts';
import { quantizeModel } from '../../../main/service/quantize.ts';
import { ClaqError, plainError } from '../../../shared/errors.ts';
import type { Progress } from '../../../shared/progress.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import { runRecordSchema } from '../../../shared/run-record.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { QUICK_TEXTS, writeTinyModel } from '../tiny-model.ts';

const BODY = new URL('./thread-body.ts', import.meta.url);
const BUSY_BODY = new URL('./busy-thread-body.ts', import.meta.url);

let work = '';
let model = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-engine-thread-'));
  model = await writeTinyModel(join(work, 'model'), { blocks: 2 });
});
afterAll(() => rm(work, { recursive: true }));

let runs = 0;
const freshRun = (): string => join(work, `run-${String(++runs)}`);
const requestFor = (out: string) => ({ model, out, budget: { bits: 2.12 }, ...QUICK_TEXTS });

/** Everything that a task tells, in its order. */
function listener(): RunHooks & { readonly heard: (Progress | string)[] } {
  const heard: (Progress | string)[] = [];
  return {
    heard,
    onProgress: (progress) => heard.push(progress),
    onNote: (note) => heard.push(note),
  };
}

/** A task in a thread of the tests'. */
async function inBrokenThread<Task extends EngineTask>(
  behaviour: string,
  task: Task,
  request: TaskRequest<Task>,
  hooks: RunHooks = {},
): Promise<unknown> {
  vi.stubEnv('CLAQ_TEST_THREAD', behaviour);
  try {
    return await inEngineThread(task, request, hooks, { body: BODY });
  } finally {
    vi.unstubAllEnvs();
  }
}

async function filesOf(run: string): Promise<Map<string, string>> {
  const folder = join(run, 'matrices');
  const names = (await readdir(folder)).toSorted();
  const contents = await Promise.all(names.map((name) => readFile(join(folder, name), 'base64')));
  return new Map(names.map((name, i) => [name, contents[i] ?? '']));
}

async function statusOf(run: string): Promise<string> {
  return runRecordSchema.parse(JSON.parse(await readFile(join(run, 'run.json'), 'utf8'))).status;
}

describe('inEngineThread', () => {
  it('comes to the same bytes as in the thread that asks, and tells the same in the same order', async () => {
    const [here, there] = [freshRun(), freshRun()];
    const [hooksHere, hooksThere] = [listener(), listener()];
    const expected = await quantizeModel(requestFor(here), hooksHere);
    const found = await inEngineThread('quantize', requestFor(there), hooksThere);
    expect(await filesOf(there)).toEqual(await filesOf(here));
    const { seconds, timing, runFolder } = found;
    expect(found).toEqual({ ...expected, seconds, timing, runFolder });
    expect([runFolder, Object.keys(timing)]).toEqual([there, Object.keys(expected.timing)]);
    expect(hooksThere.heard).toEqual(hooksHere.heard);
    expect(await statusOf(there)).toBe('complete');
  });

  it('evaluates, exports and inspects', async () => {
    const run = freshRun();
    const { after } = await inEngineThread('quantize', requestFor(run));
    const { windows, contextLength } = QUICK_TEXTS.evaluation;
    const evaluated = await inEngineThread('evaluate', { model: run, windows, contextLength });
    expect(evaluated).toMatchObject({ ...after });
    const out = join(work, 'exported');
    const exported = await inEngineThread('export', { source: run, out });
    expect(exported).toMatchObject({ source: run, folder: out, files: 7 });
    const { inspection, shown } = await inEngineThread('inspect', { model: out, block: 1, matrix: 'q' });
    expect(inspection.matrices).toHaveLength(14);
    expect(inspection.model).toMatchObject({ blocks: 2, slidingWindow: undefined });
    expect(shown.name).toBe('model.layers.1.self_attn.q_proj');
  });

  it('throws the error that the task threw, every detail of it', async () => {
    const request = { model: join(work, 'nowhere'), out: freshRun() };
    const expected = await thrownBy(() => quantizeModel(request));
    const found = await thrownBy(() => inEngineThread('quantize', request));
    expect(found).toBeInstanceOf(ClaqError);
    expect(plainError(found)).toEqual(plainError(expected));
    expect(found).toMatchObject({ name: 'ClaqError', code: 'model/not-a-model-folder' });
  });

  it('refuses a request before a thread is started', async () => {
    const error = await thrownBy(() => inEngineThread('evaluate', { model: '' }, {}, { body: BODY }));
    expect(error).toMatchObject({ code: 'request/invalid', where: 'model' });
  });

  it('keeps name, message and stack of an error that is not ours', async () => {
    const failing = inBrokenThread('fault', 'inspect', { model });
    await expect(failing).rejects.toMatchObject({
      name: 'TypeError',
      message: 'the tests broke it',
      stack: expect.stringMatching(/^TypeError: the tests broke it\n {4}at .+thread-body\.ts/) as unknown,
    });
  });

  it('does not take for a result what is none', async () => {
    await expect(inBrokenThread('no-result', 'evaluate', { model })).rejects.toThrow(/expected number/);
  });

  it('lets its caller go on while a tensor operation runs', async () => {
    const file = join(work, 'ticked');
    let ticks = 0;
    const hooks: RunHooks = {
      onNote() {
        const timer = setInterval(() => {
          if (++ticks < 5) return;
          clearInterval(timer);
          // The thread looks for it between two operations, and does not end before.
          void writeFile(file, '');
        }, 10);
      },
    };
    vi.stubEnv('CLAQ_TEST_FILE', file);
    await inEngineThread('export', { source: work }, hooks, { body: BUSY_BODY });
    vi.unstubAllEnvs();
    expect(ticks).toBe(5);
  });

  it('starts one engine at a time, beside which a model may be inspected', async () => {
    const first = inEngineThread('quantize', requestFor(freshRun()));
    const refused = await thrownBy(() => inEngineThread('evaluate', { model }));
    expect(refused).toMatchObject({ code: 'engine/busy', found: 'the task quantize' });
    expect((await inEngineThread('inspect', { model })).inspection.matrices).toHaveLength(14);
    await first;
    expect((await inEngineThread('evaluate', { model, ...QUICK_TEXTS.evaluation })).windows).toBe(2);
  });
});

describe('a task that is called off', () => {
  it('ends as cancelled, its record says so, and its folder is free', async () => {
    const out = freshRun();
    const controller = new AbortController();
    let taken: Promise<unknown> | undefined;
    const error = await thrownBy(() =>
      inEngineThread('quantize', requestFor(out), {
        signal: controller.signal,
        onProgress({ detail }) {
          if (detail?.startsWith('block 1 of 2, quantizing') !== true || controller.signal.aborted) return;
          controller.abort();
          taken = thrownBy(() => lockFolder(out));
        },
      }),
    );
    expect(error.code).toBe('run/cancelled');
    expect(await taken).toMatchObject({ code: 'output/in-use' });
    expect(await statusOf(out)).toBe('cancelled');
    expect((await readdir(out)).toSorted()).toEqual(['matrices', 'run.json']);
  });

  it('does nothing where it was called off before it began', async () => {
    const out = freshRun();
    const error = await thrownBy(() =>
      inEngineThread('quantize', requestFor(out), { signal: AbortSignal.abort() }),
    );
    expect(error.code).toBe('run/cancelled');
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is called off by a listener that throws', async () => {
    const out = freshRun();
    const failing = inEngineThread('quantize', requestFor(out), {
      onProgress({ phase }) {
        if (phase === 'Quantizing') throw new RangeError('the window is gone');
      },
    });
    await expect(failing).rejects.toThrow(new RangeError('the window is gone'));
    expect(await statusOf(out)).toBe('cancelled');
  });
});

describe('a thread that dies', () => {
  it('leaves an error that says what it was doing', async () => {
    expect(plainError(await thrownBy(() => inBrokenThread('exit', 'evaluate', { model })))).toEqual({
      code: 'engine/thread-died',
      message: "The engine's thread ended in the middle of its work",
      where: 'Dying: slowly',
      expected: undefined,
      found: 'it ended with code 7',
      remedy: 'start it again',
    });
  });

  it('leaves finished blocks to go on with, and a folder that can be had again', async () => {
    const [out, whole] = [freshRun(), freshRun()];
    const error = await thrownBy(() => inBrokenThread('exit-in-block-2', 'quantize', requestFor(out)));
    expect(error).toMatchObject({
      code: 'engine/thread-died',
      where: expect.stringMatching(/^Quantizing: block 2 of 2, quantizing /) as unknown,
      remedy: expect.stringMatching(/^finished blocks are kept: the same command/) as unknown,
    });
    expect(await statusOf(out)).toBe('running');
    expect(await readdir(out)).toContain('run.lock');
    const hooks = listener();
    const { sessions } = await inEngineThread('quantize', requestFor(out), hooks);
    expect(sessions).toBe(2);
    expect(hooks.heard).toContain('Going on with block 2 of 2');
    await quantizeModel(requestFor(whole));
    expect(await filesOf(out)).toEqual(await filesOf(whole));
    expect(await readdir(out)).not.toContain('run.lock');
  });

  it('names the memory where that is what ran out', async () => {
    const error = await thrownBy(() =>
      inEngineThread(
        'quantize',
        requestFor(freshRun()),
        {},
        { resourceLimits: { maxOldGenerationSizeMb: 12 } },
      ),
    );
    expect(error).toMatchObject({
      code: 'engine/thread-died',
      found: expect.stringMatching(/^its memory ran out/) as unknown,
      // True of every host: no variable of the environment reaches the packaged app.
      remedy: expect.stringMatching(/; shorter calibration and evaluation texts take less/) as unknown,
    });
  });
});
