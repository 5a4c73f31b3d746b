import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_MODEL } from '../../../main/service/bundled-texts.ts';
import {
  type PreflightQuestion,
  preflightFolder,
  preflightRun,
} from '../../../main/service/preflight/preflight-run.ts';
import { TYPICAL_RATES } from '../../../main/service/preflight/rates.ts';
import { type Preflight, preflightSchema } from '../../../shared/preflight.ts';
import { type QuantizeChoicesRequest, quantizeChoicesSchema } from '../../../shared/requests.ts';
import { BACKEND, completeRecord } from './complete-record.ts';
import { DEMO_DESCRIPTION, LLAMA_7B } from '../../known-models.ts';
import { plannedModel } from './planned-models.ts';

let work = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-preflight-'));
});
afterAll(() => rm(work, { recursive: true }));

function question(
  choices: QuantizeChoicesRequest = {},
  others: Partial<PreflightQuestion> = {},
): PreflightQuestion {
  return {
    choices: quantizeChoicesSchema.parse(choices),
    engine: { name: 'wasm', description: BACKEND },
    forwardPrecision: 'float32',
    threads: 2,
    hostMemory: 64,
    gpuMemory: null,
    runsFolder: join(work, 'runs', 'of', 'tomorrow'),
    runs: [],
    exports: [],
    measured: undefined,
    ...others,
  };
}

function bytesOf({ parts }: Preflight['disk' | 'memory'], name: string): number | undefined {
  return parts.find((part) => part.name === name)?.bytes;
}

function textsOf({ remarks }: Preflight, severity: 'refuse' | 'warn'): string[] {
  return remarks.filter((remark) => remark.severity === severity).map(({ text }) => text);
}

const GPU = { name: 'tensorflow-gpu', description: 'TensorFlow 2.21.0 on the GPU' } as const;

describe('bits and bytes', () => {
  it('of the demo model at 2 bits', async () => {
    const preflight = await preflightFolder(
      DEMO_MODEL,
      question({ budget: { bits: 2 }, exportDtype: 'source', calibration: { segments: 24 } }),
    );
    expect(preflightSchema.parse(preflight)).toEqual(preflight);
    expect(preflight.budget).toBe('2');
    expect(preflight.nominalBits).toBe(2);
    // Codes of 2,359,296 weights; 9,984 columns of 4 halves; 42 matrices with a class each.
    expect(preflight.packedBytes).toBe(589_824 + 79_872 + 336);
    expect(preflight.storedBits).toBeCloseTo((8 * 670_032) / 2_359_296, 12);
    expect(preflight.sourceBytes).toBe(2 * 2_359_296);
    expect(preflight.disk.parts[0]).toEqual({
      name: 'Packed matrices',
      bytes: 670_032,
      basis: '2.36 M weights x 2.272 bits',
    });
    // Matrices, 4096 x 192 embeddings, 13 norms, of two bytes a value.
    expect(bytesOf(preflight.disk, 'Dense export')).toBe(2 * (2_359_296 + 786_432 + 13 * 192));
    // 24 segments of 512 tokens of 192 and 512 values, 16 windows of 192.
    expect(bytesOf(preflight.memory, 'Activations')).toBe(4 * 512 * (24 * 704 + 16 * 192));
    expect(preflight.gpuMemory).toBeNull();
  });

  it('of LLaMA-7B at 4 bits, 128 x 2048 tokens', async () => {
    const preflight = await preflightRun(plannedModel(LLAMA_7B), question());
    expect(preflight.budget).toBe('4');
    // 6,476,005,376 codes, 1,138,688 columns of 16 halves, 224 classes.
    expect(preflight.packedBytes).toBe(3_238_002_688 + 36_438_016 + 1792);
    expect(preflight.sourceBytes).toBe(12_952_010_752);
    // 262,144 tokens of 4096 and 11008 values; 16 windows of 2048 tokens of 4096.
    expect(bytesOf(preflight.memory, 'Activations')).toBe(4 * (262_144 * 15_104 + 32_768 * 4096));
    expect(preflight.time.parts.map(({ name }) => name)).toEqual([
      'Start',
      'Perplexity of the original',
      'Forward pass',
      'Hessians',
      'Factorization',
      'Columns',
      'Reading and writing',
      'Perplexity of the result',
    ]);
    expect(preflight.time.parts[2]?.basis).toMatch(/^128 x 2048 tokens, 3\.54 PFLOP at /);
    expect(preflight.time.seconds).toBeCloseTo(
      preflight.time.parts.reduce((sum, { seconds }) => sum + seconds, 0),
      6,
    );
  });

  it('rounds the nominal bits of two budgets to their sum', async () => {
    const { nominalBits } = await preflightRun(plannedModel(LLAMA_7B), question({ budget: { bits: 2.12 } }));
    expect(nominalBits).toBe(2.12);
  });

  it('looks at the disk where the folder will be', async () => {
    const { disk } = await preflightRun(plannedModel(DEMO_DESCRIPTION), question());
    expect(disk.folder).toBe(join(work, 'runs', 'of', 'tomorrow'));
    expect(disk.free).toBeGreaterThan(0);
    expect(disk.total).toBeGreaterThanOrEqual(disk.free ?? Infinity);
    expect(disk.needed).toBe(disk.parts.reduce((sum, { bytes }) => sum + bytes, 0));
  });
});

describe('time', () => {
  it('is that of an earlier run of the same', async () => {
    const timing = { forward: 30, hessian: 20, quantize: 70, evaluate: 40 };
    const record = completeRecord({ segments: 24, length: 512, windows: 16, timing });
    const { time } = await preflightRun(
      plannedModel(DEMO_DESCRIPTION),
      question(
        { budget: { bits: 2.12 }, calibration: { segments: 24 } },
        { runs: [{ label: 'run 12', model: DEMO_DESCRIPTION, record }] },
      ),
    );
    const seconds = (...names: string[]): number =>
      time.parts.reduce((sum, part) => (names.includes(part.name) ? sum + part.seconds : sum), 0);
    expect(time.source).toBe('run 12 on this machine');
    expect(seconds('Forward pass')).toBeCloseTo(30, 6);
    expect(seconds('Hessians')).toBeCloseTo(20, 6);
    expect(seconds('Factorization', 'Choice of widths', 'Columns')).toBeCloseTo(70, 6);
    expect(seconds('Perplexity of the result')).toBeCloseTo(40, 6);
    expect(seconds('Perplexity of the original')).toBeCloseTo(40, 6);
  });

  it('has no evaluation where none is asked for, and no second one where the first is known', async () => {
    const known = completeRecord({ segments: 1, length: 512, windows: 16, timing: {} }).result?.after;
    const named = async (evaluation: QuantizeChoicesRequest['evaluation']): Promise<string[]> => {
      const { time } = await preflightRun(plannedModel(DEMO_DESCRIPTION), question({ evaluation }));
      return time.parts.map(({ name }) => name).filter((name) => name.startsWith('Perplexity'));
    };
    expect(await named({ windows: 0 })).toEqual([]);
    expect(await named({ baseline: known ?? undefined })).toEqual(['Perplexity of the result']);
  });

  it('of an export are those of the exports before it', async () => {
    const exported = async (exports: PreflightQuestion['exports']): Promise<number | undefined> => {
      const { time } = await preflightFolder(DEMO_MODEL, question({ exportDtype: 'source' }, { exports }));
      return time.parts.find(({ name }) => name === 'Dense export')?.seconds;
    };
    const bytes = 2 * (2_359_296 + 786_432 + 13 * 192);
    expect(await exported([{ bytes, seconds: 3 }])).toBeCloseTo(3, 9);
    expect(await exported([])).toBeCloseTo(bytes / 20e6, 9);
  });
});

describe('what stands in the way', () => {
  it("nothing, in the paper's setting on a machine that was measured", async () => {
    const timing = { forward: 30, hessian: 20, quantize: 70, evaluate: 40 };
    const record = completeRecord({ segments: 24, length: 512, windows: 16, timing });
    const runs = [{ label: 'run 12', model: DEMO_DESCRIPTION, record }];
    const { remarks } = await preflightRun(plannedModel(DEMO_DESCRIPTION), question({}, { runs }));
    expect(remarks).toEqual([]);
  });

  it('a budget that cannot be met: no figures, and why', async () => {
    const preflight = await preflightRun(
      plannedModel(DEMO_DESCRIPTION),
      question({ budget: { apAverage: 2.5, orColumns: 10 } }),
    );
    expect(preflightSchema.parse(preflight)).toEqual(preflight);
    expect(preflight.packedBytes).toBe(0);
    expect(preflight.time.parts).toEqual([]);
    expect(textsOf(preflight, 'refuse')).toEqual([
      expect.stringMatching(/^There are top columns of an outlier reservation, but no reservation/),
    ]);
  });

  it('segments longer than the model was made for', async () => {
    const preflight = await preflightRun(
      plannedModel(DEMO_DESCRIPTION),
      question({ calibration: { segmentLength: 1024 } }),
    );
    expect(textsOf(preflight, 'refuse')).toEqual([
      "The model was not made for so long a text (--segment-length; found 1024 tokens; expected at most the model's context, 512 tokens): ask for fewer tokens, or leave the option out.",
    ]);
  });

  it('texts that are not there, or too little', async () => {
    const short = join(work, 'short.txt');
    await writeFile(short, 'x'.repeat(511));
    const missing = join(work, 'missing.txt');
    const preflight = await preflightRun(
      plannedModel(DEMO_DESCRIPTION),
      question({ calibration: { source: missing }, evaluation: { source: short } }),
    );
    expect(textsOf(preflight, 'refuse')).toEqual([
      expect.stringContaining(`The text cannot be found (${missing}`),
      `There is too little text (${short}; found 511 bytes; expected at least 512 tokens): give more text, or take a shorter length.`,
    ]);
    // Whatever stands in the way, the rest can be told.
    expect(preflight.packedBytes).toBe(1_499_472);
  });

  it('matrices too large for the kernels', async () => {
    const model = { ...LLAMA_7B, hiddenSize: 8192, ffnSize: 22_016, heads: 64, kvHeads: 64, blocks: 80 };
    const preflight = await preflightRun(plannedModel(model), question());
    expect(textsOf(preflight, 'refuse')).toEqual([
      expect.stringMatching(/^The matrices of this model are too large for the kernels \(down, 8192 x 22016/),
    ]);
  });

  it('a GPU that has no room for a block, or none for whole segments', async () => {
    const on = async (gpuMemory: number | null): Promise<Preflight> =>
      await preflightRun(plannedModel(LLAMA_7B), question({}, { engine: GPU, gpuMemory }));
    const [small, middling, large, unknown] = await Promise.all([on(1e9), on(24e9), on(80e9), on(null)]);
    expect(textsOf(small, 'refuse')).toEqual([expect.stringMatching(/^The GPU's memory is too small/)]);
    expect(textsOf(middling, 'refuse')).toEqual([]);
    expect(large.gpuMemory?.total).toBe(80e9);
    expect(unknown.gpuMemory?.total).toBeNull();
    expect(textsOf(unknown, 'refuse')).toEqual([]);
    // A block in float32, the factorization of down, CUDA.
    expect(large.gpuMemory?.needed).toBe(4 * 202_375_168 + 14 * 11_008 ** 2 + 0.6e9);
    // Attention of 2048 tokens has no place beside a block of many heads, in smaller batches it has.
    const wide = { ...LLAMA_7B, heads: 512, kvHeads: 512, headDim: 8 };
    const short = await preflightRun(plannedModel(wide), question({}, { engine: GPU, gpuMemory: 4e9 }));
    expect(textsOf(short, 'refuse')).toEqual([]);
    expect(textsOf(short, 'warn')).toContainEqual(
      expect.stringMatching(/^The GPU's memory is short.* goes over to smaller batches/),
    );
  });

  it('activations that are to stay on a GPU', async () => {
    const staying = async (deviceActivations: number, gpuMemory: number): Promise<Preflight> =>
      await preflightRun(plannedModel(LLAMA_7B), question({ deviceActivations }, { engine: GPU, gpuMemory }));
    const beside = 4 * 202_375_168 + 14 * 11_008 ** 2 + 0.6e9;
    const some = await staying(10, 24e9);
    expect(some.gpuMemory?.needed).toBe(beside + 10e9);
    expect(some.gpuMemory?.parts.map(({ name }) => name)).toContain('Activations that stay');
    expect(textsOf(some, 'warn').filter((text) => text.includes('GPU'))).toEqual([]);
    // No more than there are; they have to go through host memory all the same where they have to leave.
    const all = await staying(100, 24e9);
    expect(all.gpuMemory?.needed).toBe(beside + 4 * 262_144 * 15_104);
    expect(bytesOf(all.memory, 'Activations')).toBe(bytesOf(some.memory, 'Activations'));
    const parts = ({ time }: Preflight): number =>
      time.parts.find(({ name }) => name === 'Forward pass')?.seconds ?? NaN;
    expect(parts(all)).toBeLessThan(parts(some));
    expect(textsOf(await staying(10, 12e9), 'warn')).toContainEqual(
      expect.stringMatching(
        /^The GPU's memory is short: .* Of the activations that are to stay there, 8\.\d+ GB have room\.$/,
      ),
    );
  });

  it('warns of activations that go to the disk, of which it needs more then', async () => {
    const preflight = await preflightRun(plannedModel(LLAMA_7B), question({}, { hostMemory: 1 }));
    const all = 4 * (262_144 * 15_104 + 32_768 * 4096);
    expect(bytesOf(preflight.memory, 'Activations')).toBe(1e9);
    expect(bytesOf(preflight.disk, 'Activations')).toBe(all - 1e9);
    expect(textsOf(preflight, 'warn')).toContainEqual(
      expect.stringMatching(/^Activations do not fit in memory: 15\.4 GB go to /),
    );
  });

  it('refuses a run that the disk has no room for', async () => {
    const preflight = await preflightRun(
      plannedModel(LLAMA_7B),
      question({ calibration: { segments: 2 ** 20 } }, { hostMemory: 0 }),
    );
    // Activations of 2^31 tokens.
    expect(textsOf(preflight, 'refuse')).toEqual([
      expect.stringMatching(/^The disk has too little free space: 130 TB are needed in /),
    ]);
  });

  it('warns of a machine that had other work while it was measured, unless runs say more', async () => {
    const warned = async (others: Partial<PreflightQuestion>): Promise<string[]> =>
      textsOf(await preflightRun(plannedModel(DEMO_DESCRIPTION), question({}, others)), 'warn');
    const measured = { rates: TYPICAL_RATES, otherCores: 1.26 };
    expect(await warned({ measured })).toEqual([
      'Other programs kept 1.3 cores busy while the speed of this machine was measured: without them the run takes less time than is said here.',
    ]);
    expect(await warned({ measured: { ...measured, otherCores: 0.1 } })).toEqual([]);
    const record = completeRecord({ segments: 24, length: 512, timing: { forward: 30 } });
    expect(await warned({ measured, runs: [{ label: 'run 1', model: DEMO_DESCRIPTION, record }] })).toEqual(
      [],
    );
  });

  it('warns of fewer segments than the paper has, and of a result that nothing is known of', async () => {
    const preflight = await preflightRun(
      plannedModel(DEMO_DESCRIPTION),
      question({ calibration: { segments: 1 }, evaluation: { windows: 0 } }),
    );
    expect(textsOf(preflight, 'warn')).toEqual([
      'Calibrates on 1 segment; the paper takes 128. Fewer are faster, and the result may be worse.',
      'Perplexity is not measured: nothing will tell how good the result is.',
      'Nothing was measured on this machine yet: the time is a guess, from another machine.',
    ]);
  });
});
