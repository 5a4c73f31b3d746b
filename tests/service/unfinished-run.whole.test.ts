import {
  appendFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantizeModel } from '../../main/service/quantize.ts';
import { MATRIX_KINDS, matrixName } from '../../shared/model.ts';
import type { QuantizeRequest } from '../../shared/requests.ts';
import { type RunRecord, runRecordSchema } from '../../shared/run-record.ts';
import type { QuantizeSummary } from '../../shared/summaries.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';
import { QUICK_TEXTS, writeTinyModel } from './tiny-model.ts';

const BLOCKS = 3;

let work = '';
let model = '';
let request: QuantizeRequest;
/** Runs of the same request: one that was never stopped, and one that was stopped in its last block. */
let whole = '';
let stopped = '';
let folders = 0;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-unfinished-run-'));
  model = await writeTinyModel(join(work, 'model'), { blocks: BLOCKS });
  request = { model, budget: { bits: 2.12 }, threads: 2, ...QUICK_TEXTS };
  whole = freshPath();
  await quantizeModel({ ...request, out: whole });
  stopped = await stoppedAt('block 3 of 3, through gate, up');
});
afterAll(() => rm(work, { recursive: true }));

/** A path that nothing has yet. */
function freshPath(): string {
  return join(work, String(++folders));
}

/** A copy of the stopped run. */
async function stoppedRun(): Promise<string> {
  const out = freshPath();
  await cp(stopped, out, { recursive: true, preserveTimestamps: true });
  return out;
}

/** Calls a run off where its progress says `detail`; returns its folder. */
async function stoppedAt(
  detail: string,
  out: string = freshPath(),
  asked: QuantizeRequest = request,
): Promise<string> {
  const controller = new AbortController();
  const error = await thrownBy(() =>
    quantizeModel(
      { ...asked, out },
      {
        signal: controller.signal,
        onProgress: (progress) => {
          if (progress.detail === detail) controller.abort();
        },
      },
    ),
  );
  expect(error).toMatchObject({ code: 'run/cancelled' });
  return out;
}

interface Session {
  readonly summary: QuantizeSummary;
  readonly phases: ReadonlySet<string>;
  /** But for the one that names the engine. */
  readonly notes: readonly string[];
  /** Blocks that were quantized, from 1. */
  readonly quantized: readonly number[];
}

async function goOn(out: string, changes: Partial<QuantizeRequest> = {}): Promise<Session> {
  const phases = new Set<string>();
  const notes: string[] = [];
  const quantized = new Set<number>();
  const summary = await quantizeModel(
    { ...request, out, ...changes },
    {
      onNote: (line) => notes.push(line),
      onProgress: ({ phase, detail = '' }) => {
        phases.add(phase);
        const block = /^block (\d+) of 3, quantizing/.exec(detail)?.[1];
        if (block !== undefined) quantized.add(Number(block));
      },
    },
  );
  return { summary, phases, notes: notes.slice(1), quantized: [...quantized] };
}

async function recordOf(run: string): Promise<RunRecord> {
  return runRecordSchema.parse(JSON.parse(await readFile(join(run, 'run.json'), 'utf8')));
}

async function changeRecord(run: string, change: (record: RunRecord) => RunRecord): Promise<void> {
  await writeFile(join(run, 'run.json'), JSON.stringify(change(await recordOf(run))));
}

function matrixFile(block: number, kind: (typeof MATRIX_KINDS)[number]): string {
  return join('matrices', `${matrixName(block, kind)}.safetensors`);
}

/** The run's files and figures are those of the run that was never stopped, to the last bit. */
async function expectAsWhole(run: string): Promise<void> {
  const files = (await readdir(join(whole, 'matrices'))).toSorted();
  expect(files).toHaveLength(BLOCKS * MATRIX_KINDS.length);
  expect((await readdir(join(run, 'matrices'))).toSorted()).toEqual(files);
  for (const file of files) {
    const bytes = await readFile(join(run, 'matrices', file));
    expect(bytes.equals(await readFile(join(whole, 'matrices', file)))).toBe(true);
  }
  const untimed = async (folder: string): Promise<unknown> => {
    const { result, ...record } = await recordOf(folder);
    const { sessions, seconds, timing, ...figures } = result ?? { sessions: 0, seconds: 0, timing: {} };
    expect([sessions > 0, seconds > 0, Object.keys(timing).toSorted()]).toEqual([
      true,
      true,
      ['evaluate', 'forward', 'hessian', 'original', 'quantize'],
    ]);
    return { ...record, startedAt: '', figures };
  };
  expect(await untimed(run)).toEqual(await untimed(whole));
}

describe('a run that was stopped', () => {
  it.each([
    ['inside of block 2', 'block 2 of 3, quantizing gate, up', 1, 'Going on with block 2 of 3'],
    ['between blocks 2 and 3', 'block 2 of 3, evaluation', 2, 'Going on with block 3 of 3'],
    ['at the very end', 'head, evaluation', 3, 'All 3 blocks were quantized before'],
  ])('%s comes to the same, byte for byte', async (_, detail, finished, note) => {
    const out = await stoppedAt(detail);
    const before = await recordOf(out);
    expect([before.status, before.result]).toEqual(['cancelled', null]);
    const kept = await stat(join(out, matrixFile(finished - 1, 'down')));

    const { phases, notes, quantized, summary } = await goOn(out);
    await expectAsWhole(out);
    expect(notes).toEqual([note]);
    expect(quantized).toEqual([1, 2, 3].slice(finished));
    expect((await stat(join(out, matrixFile(finished - 1, 'down')))).mtimeMs).toBe(kept.mtimeMs);
    // The original model has been evaluated already.
    expect(phases.has('Evaluating the original model')).toBe(false);

    const after = await recordOf(out);
    expect(after.startedAt).toBe(before.startedAt);
    expect(after.soFar).toBeNull();
    expect([after.result?.sessions, summary.sessions]).toEqual([2, 2]);
    expect(after.result?.seconds).toBeGreaterThan(before.soFar?.seconds ?? NaN);
    for (const [part, seconds] of Object.entries(before.soFar?.timing ?? {})) {
      expect(after.result?.timing[part]).toBeGreaterThanOrEqual(seconds);
    }
    expect(summary.seconds).toBeGreaterThanOrEqual(after.result?.seconds ?? NaN);
  });

  it('loses nothing where it is stopped again before it has caught up', async () => {
    const out = await stoppedAt('block 1 of 3, finished before, through o', await stoppedRun());
    const record = await recordOf(out);
    expect(record.matrices.slice(0, 14)).toEqual((await recordOf(whole)).matrices.slice(0, 14));
    const { quantized } = await goOn(out);
    expect(quantized).toEqual([3]);
    await expectAsWhole(out);
    expect((await recordOf(out)).result?.sessions).toBe(3);
  });

  it('goes on over the leftovers of a process that was killed', async () => {
    const out = await stoppedRun();
    await changeRecord(out, (record) => ({ ...record, status: 'running' }));
    await writeFile(join(out, '.run.json.5cb8.partial'), '{"version"');
    await writeFile(join(out, '.activations.5cb8.partial'), 'hidden states');
    await writeFile(join(out, 'matrices', '.model.layers.2.mlp.up_proj.safetensors.5cb8.partial'), 'half');
    expect((await goOn(out)).quantized).toEqual([3]);
    await expectAsWhole(out);
    expect((await readdir(out)).toSorted()).toEqual(['matrices', 'run.json']);
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ['cut off', (path) => truncate(path, 1000)],
    ['gone', (path) => unlink(path)],
    [
      'changed in a bit',
      async (path) => {
        const bytes = await readFile(path);
        const last = bytes.length - 1;
        bytes[last] = (bytes[last] ?? 0) ^ 1;
        await writeFile(path, bytes);
      },
    ],
  ])('does a block again that has a file %s', async (_, damage) => {
    const out = await stoppedRun();
    await damage(join(out, matrixFile(0, 'up')));
    const { notes, quantized } = await goOn(out);
    expect(quantized).toEqual([1, 3]);
    expect(notes).toEqual([
      'Going on with block 3 of 3',
      `Block 1 is quantized again: ${matrixFile(0, 'up')} is not as it was written`,
    ]);
    await expectAsWhole(out);
  });

  it('goes on on a uniform grid as well', async () => {
    const grid = { ...request, method: 'gptq', budget: { bits: 3 }, groupSize: 64 } as const;
    const [once, twice] = [freshPath(), freshPath()];
    await quantizeModel({ ...grid, out: once });
    await stoppedAt('block 2 of 3, through o', twice, grid);
    const { quantized } = await goOn(twice, grid);
    expect(quantized).toEqual([2, 3]);
    const [expected, found] = [await recordOf(once), await recordOf(twice)];
    expect(found.matrices).toEqual(expected.matrices);
    expect(found.result?.after).toEqual(expected.result?.after);
  });

  it('goes on with other threads, from a copy of the model, to another evaluation', async () => {
    const out = await stoppedRun();
    const copy = freshPath();
    await cp(model, copy, { recursive: true });
    const evaluation = { windows: 3, contextLength: 64 };
    const { phases, quantized, summary } = await goOn(out, { model: copy, threads: 1, evaluation });
    expect(quantized).toEqual([3]);
    expect(phases.has('Evaluating the original model')).toBe(true);
    expect([summary.before, summary.after].map((figure) => figure?.windows)).toEqual([3, 3]);
    const record = await recordOf(out);
    expect([record.model.folder, record.engine.threads]).toEqual([copy, 1]);
    const finished = await recordOf(whole);
    expect(record.matrices).toEqual(finished.matrices);
    expect(record.result?.loss).toBe(finished.result?.loss);
  });
});

describe('a run that was made otherwise', () => {
  /** The refusal; it changes nothing. */
  async function refused(out: string, changes: Partial<QuantizeRequest>): Promise<unknown[]> {
    const left = await readFile(join(out, 'run.json'), 'utf8');
    const phases = new Set<string>();
    const error = await thrownBy(() =>
      quantizeModel({ ...request, out, ...changes }, { onProgress: ({ phase }) => phases.add(phase) }),
    );
    // Texts and weights are read for what only they can tell.
    const isOfContent = /^(calibration|model)\./.test(error.found ?? '');
    expect(phases.has('Reading the model')).toBe(isOfContent);
    expect(phases.size > 0).toBe(isOfContent);
    expect(error).toMatchObject({ code: 'output/other-run', where: join(out, 'run.json') });
    expect(error.remedy).toContain('--restart');
    expect(await readFile(join(out, 'run.json'), 'utf8')).toBe(left);
    expect(await readdir(join(out, 'matrices'))).toHaveLength(2 * MATRIX_KINDS.length + 6);
    return [error.expected, error.found];
  }

  it.each<[string, Partial<QuantizeRequest>, string, string]>([
    ['damping', { percdamp: 0.02 }, 'settings.percdamp 0.01', 'settings.percdamp 0.02'],
    ['seed', { calibration: { ...QUICK_TEXTS.calibration, seed: 1 } }, 'settings.seed 0', 'settings.seed 1'],
    [
      'segments',
      { calibration: { ...QUICK_TEXTS.calibration, segments: 5 } },
      'calibration.segments 4',
      'calibration.segments 5',
    ],
    [
      'budget',
      { budget: { bits: 3 } },
      'settings.budget 2.12 (AP 2.05 of {2,4} + OR 0.07), settings.precision.low 2, settings.precision.high 4 (and 6 more)',
      'settings.budget 3, settings.precision.low 3, settings.precision.high 3 (and 6 more)',
    ],
  ])('is refused: another %s', async (_, changes, expected, found) => {
    expect(await refused(await stoppedRun(), changes)).toEqual([expected, found]);
  });

  it('is refused: another calibration text', async () => {
    const source = join(work, 'text.txt');
    await writeFile(source, 'The same words, over and over again. '.repeat(200));
    const [expected, found] = await refused(await stoppedRun(), {
      calibration: { ...QUICK_TEXTS.calibration, source },
    });
    expect(expected).toMatch(/^calibration\.corpus\.sha256 [0-9a-f]{64}$/);
    expect(found).toMatch(/^calibration\.corpus\.sha256 [0-9a-f]{64}$/);
    expect(found).not.toBe(expected);
  });

  it('is refused: another model', async () => {
    const changed = freshPath();
    await cp(model, changed, { recursive: true });
    await appendFile(join(changed, 'tokenizer.json'), '\n');
    const [expected, found] = await refused(await stoppedRun(), { model: changed });
    expect(expected).toMatch(/^model\.files\.tokenizer\.json [0-9a-f]{64}$/);
    expect(found).not.toBe(expected);
  });

  it.each<[string, (record: RunRecord) => RunRecord, string, string]>([
    [
      'version of the program',
      (record) => ({ ...record, program: 'claq-studio 0.0.9' }),
      'program claq-studio 0.0.9',
      'program claq-studio 0.1.0',
    ],
    [
      'engine',
      (record) => ({
        ...record,
        engine: { ...record.engine, backend: 'TensorFlow 2.18.0 on the CPU', kernels: 'simd' },
      }),
      'engine.backend TensorFlow 2.18.0 on the CPU, engine.kernels simd',
      'engine.backend WebAssembly SIMD, 1 thread, engine.kernels relaxed',
    ],
  ])('is refused: another %s', async (_, change, expected, found) => {
    const out = await stoppedRun();
    await changeRecord(out, change);
    expect(await refused(out, {})).toEqual([expected, found]);
  });

  it('is done anew where that is asked for', async () => {
    const out = await stoppedRun();
    const { notes, quantized } = await goOn(out, { percdamp: 0.02, restart: true });
    expect([notes, quantized]).toEqual([[], [1, 2, 3]]);
    const record = await recordOf(out);
    expect([record.status, record.settings.percdamp, record.result?.sessions]).toEqual(['complete', 0.02, 1]);
    expect(record.matrices).not.toEqual((await recordOf(whole)).matrices);
  });

  it.each<[string, (record: string) => string]>([
    ['cut off', (record) => record.slice(0, record.length / 2)],
    ['of another version', (record) => record.replace('"version": 2', '"version": 99')],
    ['no JSON object', () => 'null'],
  ])('is done anew only where that is asked for, if its record is %s', async (_, spoil) => {
    const out = await stoppedRun();
    const path = join(out, 'run.json');
    const spoilt = spoil(await readFile(path, 'utf8'));
    await writeFile(path, spoilt);
    expect(await thrownBy(() => quantizeModel({ ...request, out }))).toMatchObject({
      code: 'result/malformed',
      where: path,
      remedy: 'begin anew with --restart, or choose another folder with --out',
    });
    expect(await readFile(path, 'utf8')).toBe(spoilt);

    const { quantized } = await goOn(out, { restart: true });
    expect(quantized).toEqual([1, 2, 3]);
    await expectAsWhole(out);
  });

  it('is done anew where it had not finished a block', async () => {
    const out = await stoppedAt('block 1 of 3, quantizing o');
    const { quantized } = await goOn(out, { percdamp: 0.02 });
    expect(quantized).toEqual([1, 2, 3]);
    expect((await recordOf(out)).result?.sessions).toBe(1);
  });

  it('stays where it is finished, also where it is to be done anew', async () => {
    const error = await thrownBy(() => quantizeModel({ ...request, out: whole, restart: true }));
    expect(error).toMatchObject({ code: 'output/finished-run', where: whole });
  });

  it.each([false, true])('stays where another version finished it (restart: %s)', async (restart) => {
    const out = freshPath();
    await mkdir(out);
    const path = join(out, 'run.json');
    const record = JSON.stringify({ version: 99, status: 'complete', of: 'a later version' });
    await writeFile(path, record);
    expect(await thrownBy(() => quantizeModel({ ...request, out, restart }))).toMatchObject({
      code: 'output/finished-run',
      where: out,
      found: 'a record that this version of the program cannot read',
    });
    expect(await readFile(path, 'utf8')).toBe(record);
  });
});
