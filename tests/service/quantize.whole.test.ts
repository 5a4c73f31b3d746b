import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { BUNDLED_CALIBRATION, BUNDLED_EVALUATION } from '../../main/service/bundled-texts.ts';
import { evaluateModel } from '../../main/service/evaluate.ts';
import { exportQuantized } from '../../main/service/export.ts';
import { methodSettings } from '../../main/service/method-settings.ts';
import { plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { quantizeModel } from '../../main/service/quantize.ts';
import { MATRIX_KINDS, matrixName } from '../../shared/model.ts';
import { type QuantizeRequest, quantizeRequestSchema } from '../../shared/requests.ts';
import { type RunRecord, runRecordSchema } from '../../shared/run-record.ts';
import { QUICK_TEXTS, writeTinyModel } from './tiny-model.ts';

/** Of one block of the demo model: q, o of 192 x 192; k, v of 64 x 192; gate, up of 512 x 192; down of 192 x 512. */
const WEIGHTS = 2 * 192 * 192 + 2 * 64 * 192 + 3 * 512 * 192;

const traceSchema = z.object({
  traceEvents: z.array(z.object({ name: z.string(), cat: z.string().optional() })),
});

let work = '';
let model = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-quantize-'));
  model = await writeTinyModel(join(work, 'model'));
});
afterAll(() => rm(work, { recursive: true }));

async function recordOf(folder: string): Promise<RunRecord> {
  return runRecordSchema.parse(JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')));
}

async function sha256(...path: string[]): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(...path)))
    .digest('hex');
}

/** The hash of a text of one document: its length in bytes (8 bytes, little-endian), then its bytes. */
async function documentSha256(path: string): Promise<string> {
  const text = await readFile(path);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return createHash('sha256').update(length).update(text).digest('hex');
}

/** Name -> SHA-256 of every matrix file of a run. */
async function matrixHashes(run: string): Promise<Record<string, string>> {
  const files = (await readdir(join(run, 'matrices'))).toSorted();
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await sha256(run, 'matrices', file)] as const)),
  );
}

/** Bytes behind the header of a safetensors file. */
async function arrayBytes(path: string): Promise<number> {
  const file = await readFile(path);
  return file.length - 8 - Number(file.readBigUInt64LE(0));
}

/** As the paper counts: index bits averaged over the weights, and 0.07 bits for each 1 % of reserved entries. */
function nominalBits(matrices: RunRecord['matrices']): number {
  let bits = 0;
  for (const { rows, classes } of matrices) {
    for (const { columns, width, reserved } of classes) bits += columns * (rows * width + 7 * reserved);
  }
  return bits / WEIGHTS;
}

/** Packed bytes that the budget promises before the run. */
async function plannedBytes(request: QuantizeRequest): Promise<number> {
  const checkpoint = await openCheckpoint(request.model);
  await checkpoint.close();
  const settings = methodSettings(quantizeRequestSchema.parse(request), checkpoint.model);
  return plannedPackedBytes(checkpoint.model, settings);
}

describe('quantizeModel', () => {
  it('writes a trace of its parts, tensor operations and kernels where one is asked for', async () => {
    const trace = join(work, 'trace.json');
    await quantizeModel({ model, ...QUICK_TEXTS, budget: { bits: 2 }, out: join(work, 'traced'), trace });
    const { traceEvents } = traceSchema.parse(JSON.parse(await readFile(trace, 'utf8')));
    const names = new Set(traceEvents.map(({ cat, name }) => `${cat ?? ''}: ${name}`));
    for (const expected of [
      'run: hessian',
      'tensors: through q, k, v',
      'kernels: quantize',
      'kernels: factor',
    ])
      expect(names).toContain(expected);
  });

  it('refuses half precision without TensorFlow, and leaves no run behind', async () => {
    const out = join(work, 'half');
    const request: QuantizeRequest = {
      model,
      ...QUICK_TEXTS,
      out,
      engine: 'wasm',
      forwardPrecision: 'bfloat16',
    };
    await expect(quantizeModel(request)).rejects.toMatchObject({ code: 'engine/backend-unavailable' });
    expect(existsSync(join(out, 'run.json'))).toBe(false);
  });

  it('leaves a run folder that says all that it was made with and came to', async () => {
    const out = join(work, 'recorded');
    const summary = await quantizeModel({
      model,
      out,
      ...QUICK_TEXTS,
      calibration: { ...QUICK_TEXTS.calibration, seed: 7 },
      budget: { bits: 2.12 },
      exportDtype: 'source',
      threads: 2,
    });
    expect((await readdir(out)).toSorted()).toEqual(['dense', 'matrices', 'run.json']);
    const record = await recordOf(out);

    expect(record).toMatchObject({ version: 2, program: 'claq-studio 0.1.0', status: 'complete' });
    expect(record.model).toEqual({
      folder: model,
      files: {
        'config.json': await sha256(model, 'config.json'),
        'tokenizer.json': await sha256(model, 'tokenizer.json'),
        'tokenizer_config.json': await sha256(model, 'tokenizer_config.json'),
        'model.safetensors': await sha256(model, 'model.safetensors'),
      },
    });
    expect(record.settings).toEqual({
      method: 'claq',
      budget: '2.12 (AP 2.05 of {2,4} + OR 0.07)',
      precision: { low: 2, high: 4, average: 2.05 },
      reservation: { nominalBits: 0.07, headColumns: 0.1, headShare: 0.014, restShare: 0.004 },
      overrides: [],
      outlierS: 13,
      columnOrder: 'benefit',
      tieRule: null,
      codebookFit: 'kept',
      groupSize: null,
      percdamp: 0.01,
      actOrder: true,
      seed: 7,
    });
    expect(record.calibration).toEqual({
      corpus: {
        paths: [BUNDLED_CALIBRATION],
        files: 1,
        skipped: 0,
        documents: 1,
        bytes: 400_000,
        sha256: await documentSha256(BUNDLED_CALIBRATION),
      },
      segments: 4,
      length: 128,
      seed: 7,
      documents: 'separate',
    });
    expect(record.engine).toEqual({
      backend: 'WebAssembly SIMD, 1 thread',
      forwardPrecision: 'float32',
      kernels: 'relaxed',
      threads: 2,
      node: process.version,
    });

    const { result } = record;
    const figure = {
      protocol: 'gptq',
      windows: 2,
      contextLength: 128,
      tokens: 2 * 127,
      text: BUNDLED_EVALUATION,
      textSha256: await documentSha256(BUNDLED_EVALUATION),
    };
    expect(result).toMatchObject({
      before: figure,
      after: figure,
      weights: WEIGHTS,
      sourceBytes: 2 * WEIGHTS,
      sessions: 1,
    });
    expect(record.soFar).toBeNull();
    const timing = result?.timing ?? {};
    expect(Object.keys(timing).toSorted()).toEqual([
      'evaluate',
      'export',
      'forward',
      'hessian',
      'original',
      'quantize',
    ]);
    for (const seconds of Object.values(timing)) expect(seconds).toBeGreaterThan(0);
    const parts = Object.values(timing).reduce((sum, seconds) => sum + seconds, 0);
    expect(result?.seconds).toBeGreaterThan(parts);
    // The summary's clock stops behind the record's, however busy the machine is in between.
    expect(summary.seconds).toBeGreaterThanOrEqual(result?.seconds ?? NaN);
    expect(summary.timing).toEqual(timing);
    expect(record.exports).toMatchObject([
      { target: { format: 'dense', dtype: 'source' }, files: 7, seconds: timing['export'] },
    ]);
    expect(summary).toMatchObject({
      model,
      method: 'claq',
      budget: record.settings.budget,
      runFolder: out,
      exportFolder: join(out, 'dense'),
      loss: result?.loss,
      packedBytes: result?.packedBytes,
      before: result?.before,
      after: result?.after,
    });
  });

  it('counts what its files hold: packed bytes, stored bits, columns by class, loss', async () => {
    const { result, matrices } = await recordOf(join(work, 'recorded'));
    expect(matrices.map(({ name }) => name)).toEqual(MATRIX_KINDS.map((kind) => matrixName(0, kind)));
    const bytes = await Promise.all(matrices.map(({ file }) => arrayBytes(join(work, 'recorded', file))));
    expect(matrices.map((matrix) => matrix.bytes)).toEqual(bytes);
    const hashes = await matrixHashes(join(work, 'recorded'));
    for (const matrix of matrices) expect(matrix.sha256).toBe(hashes[`${matrix.name}.safetensors`]);
    const total = bytes.reduce((sum, each) => sum + each, 0);
    expect(result?.packedBytes).toBe(total);
    expect(result?.storedBits).toBeCloseTo((8 * total) / WEIGHTS, 12);
    expect(result?.loss).toBeCloseTo(
      matrices.reduce((sum, { loss }) => sum + (loss ?? NaN), 0),
      6,
    );
    for (const { classes, columns } of matrices) {
      expect(classes.reduce((sum, each) => sum + each.columns, 0)).toBe(columns);
    }
  });

  it('measures no perplexity and exports nothing where neither is asked for', async () => {
    const out = join(work, 'bare');
    const summary = await quantizeModel({ model, out, ...QUICK_TEXTS, evaluation: { windows: 0 } });
    expect([summary.before, summary.after, summary.exportFolder]).toEqual([undefined, undefined, undefined]);
    expect((await readdir(out)).toSorted()).toEqual(['matrices', 'run.json']);
    const { result, exports } = await recordOf(out);
    expect([result?.before, result?.after, exports]).toEqual([null, null, []]);
  });

  it('takes a perplexity that is known already, but only of the same windows', async () => {
    const { before } = await recordOf(join(work, 'recorded')).then(
      ({ result }) => result ?? { before: null },
    );
    if (before === null) throw new Error('the first run measured none');
    const baseline = { ...before, perplexity: 123 };
    const { calibration, evaluation } = QUICK_TEXTS;
    const request = { model, budget: { bits: 2 }, calibration };
    const same = await quantizeModel({
      ...request,
      out: join(work, 'known'),
      evaluation: { ...evaluation, baseline },
    });
    expect(same.before).toEqual(baseline);
    const other = await quantizeModel({
      ...request,
      out: join(work, 'known-not'),
      evaluation: { windows: 1, contextLength: 128, baseline },
    });
    expect(other.before?.windows).toBe(1);
    expect(other.before?.perplexity).not.toBe(123);
  });

  it('takes no perplexity that another engine or precision measured, or nobody knows what', async () => {
    const { before } = await recordOf(join(work, 'recorded')).then(
      ({ result }) => result ?? { before: null },
    );
    if (before === null) throw new Error('the first run measured none');
    const { engine, forwardPrecision, ...unsigned } = before;
    expect([engine, forwardPrecision]).toEqual(['WebAssembly SIMD, 1 thread', 'float32']);
    for (const [name, signature] of Object.entries({
      engine: { engine: 'TensorFlow 2.21.0 on the CPU', forwardPrecision },
      precision: { engine, forwardPrecision: 'bfloat16' as const },
      unsigned: {},
    })) {
      const summary = await quantizeModel({
        model,
        budget: { bits: 2 },
        out: join(work, `not-by-${name}`),
        ...QUICK_TEXTS,
        evaluation: {
          ...QUICK_TEXTS.evaluation,
          baseline: { ...unsigned, ...signature, perplexity: 123 },
        },
      });
      expect(summary.before).toEqual(before);
    }
  });
});

describe('every method and budget', () => {
  /** Label, request, its nominal bits (what comes out is counted, and near that), and the widths that columns may have. */
  const cases: [
    string,
    Pick<QuantizeRequest, 'method' | 'budget' | 'columnOrder' | 'groupSize'>,
    number,
    number[],
  ][] = [
    ['claq at 2.12', { budget: { bits: 2.12 } }, 2.12, [2, 3, 4]],
    ['claq at 2.12 by Outlier Order', { budget: { bits: 2.12 }, columnOrder: 'outlier' }, 2.12, [2, 4]],
    ['claq at 3', { budget: { bits: 3 } }, 3, [3]],
    ['AP alone', { budget: { apAverage: 3.1, apWidths: [3, 4] } }, 3.1, [3, 4]],
    ['OR alone', { budget: { bits: 2, orBits: 0.14 } }, 2.14, [2]],
    ['reference at 2.12', { method: 'reference', budget: { bits: 2.12 } }, 2.12, [2, 4]],
    ['gptq in groups', { method: 'gptq', budget: { bits: 3 }, groupSize: 64 }, 3, [3]],
    ['rtn', { method: 'rtn', budget: { bits: 4 } }, 4, [4]],
  ];

  it.each(cases)('%s: the run, its export and its own figure agree', async (label, request, bits, widths) => {
    const out = join(work, label.replaceAll(' ', '-'));
    const summary = await quantizeModel({ model, out, ...request, ...QUICK_TEXTS, exportDtype: 'f32' });
    const { matrices } = await recordOf(out);
    expect(summary.nominalBits).toBeCloseTo(nominalBits(matrices), 12);
    expect(Math.abs(summary.nominalBits - bits)).toBeLessThan(0.15);
    expect(summary.packedBytes).toBeLessThanOrEqual(await plannedBytes({ model, ...request }));
    if (request.method === 'rtn') {
      expect([summary.loss, ...matrices.map(({ loss }) => loss)]).toEqual([
        undefined,
        ...MATRIX_KINDS.map(() => null),
      ]);
      expect((await recordOf(out)).result?.loss).toBeNull();
    } else {
      expect(summary.loss).toBeGreaterThan(0);
    }
    const seen = new Set(matrices.flatMap(({ classes }) => classes.map(({ width }) => width)));
    expect([...seen].every((width) => widths.includes(width))).toBe(true);

    const windows = QUICK_TEXTS.evaluation;
    const run = await evaluateModel({ model: out, ...windows });
    const dense = await evaluateModel({ model: join(out, 'dense-f32'), ...windows });
    // The same weights to the last bit (32 bits take any of them), through the same operations in the same order.
    expect(run.perplexity).toBe(summary.after?.perplexity);
    expect(dense.perplexity).toBe(summary.after?.perplexity);
    expect(summary.after?.perplexity).not.toBe(summary.before?.perplexity);
  });

  it('exports codebooks at half precision without rounding', async () => {
    const run = join(work, 'claq-at-2.12');
    const half = await exportQuantized({
      source: run,
      out: join(work, 'half'),
      target: { format: 'dense', dtype: 'f16' },
    });
    const [wide, narrow] = [await openCheckpoint(join(run, 'dense-f32')), await openCheckpoint(half.folder)];
    try {
      for (const kind of MATRIX_KINDS) {
        const name = `${matrixName(0, kind)}.weight`;
        expect([wide.tensors.get(name)?.dtype, narrow.tensors.get(name)?.dtype]).toEqual(['F32', 'F16']);
        expect(await narrow.read(name)).toEqual(await wide.read(name));
      }
    } finally {
      await wide.close();
      await narrow.close();
    }
  });

  it('comes closer to the model with more bits', async () => {
    const losses = await Promise.all(
      ['OR-alone', 'claq-at-3', 'AP-alone'].map(
        async (run) => (await recordOf(join(work, run))).result?.loss ?? NaN,
      ),
    );
    expect(losses).toEqual(losses.toSorted((a, b) => b - a));
    expect(losses.some(Number.isNaN)).toBe(false);
  });
});

describe('determinism', () => {
  const run = async (name: string, request: Partial<QuantizeRequest>) => {
    const out = join(work, name);
    const { after } = await quantizeModel({ model, out, budget: { bits: 2.12 }, ...QUICK_TEXTS, ...request });
    return { hashes: await matrixHashes(out), perplexity: after?.perplexity };
  };

  it('gives the same bytes and perplexity on any number of threads', async () => {
    const one = await run('threads-1', { threads: 1 });
    expect(Object.keys(one.hashes)).toHaveLength(MATRIX_KINDS.length);
    expect(await run('threads-2', { threads: 2 })).toEqual(one);
    expect(await run('threads-3', { threads: 3 })).toEqual(one);
  });

  it('gives others with another seed', async () => {
    const one = await run('seed-0', {});
    const other = await run('seed-1', { calibration: { ...QUICK_TEXTS.calibration, seed: 1 } });
    for (const [file, hash] of Object.entries(one.hashes)) expect(other.hashes[file]).not.toBe(hash);
  });
});
