/** The command on TensorFlow; a process loads it once, so what depends on how it was loaded is seen from outside. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inEngineThread } from '../../main/service/engine-thread/run-in-thread.ts';
import { type RunRecord, runRecordSchema } from '../../shared/run-record.ts';
import { DEMO_MODEL, claq } from './claq-process.ts';

let work = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-tensorflow-'));
});
afterAll(() => rm(work, { recursive: true }));

const QUICK = [
  '--bits',
  '2.12',
  '--segments',
  '4',
  '--segment-length',
  '128',
  '--windows',
  '2',
  '--no-export',
];

interface Quantized {
  readonly record: RunRecord;
  readonly stderr: string;
  /** Name and SHA-256 of each matrix file. */
  readonly hashes: readonly string[];
}

/** Quantizes the demo model on TensorFlow. */
async function quantized(name: string, ...args: string[]): Promise<Quantized> {
  const run = join(work, name);
  const options = ['--out', run, '--engine', 'tensorflow-cpu', ...QUICK, ...args];
  const { code, stderr } = await claq('quantize', DEMO_MODEL, ...options);
  expect(code, stderr).toBe(0);
  const record = runRecordSchema.parse(JSON.parse(await readFile(join(run, 'run.json'), 'utf8')));
  const hashes: string[] = [];
  for (const file of (await readdir(join(run, 'matrices'))).toSorted()) {
    const bytes = await readFile(join(run, 'matrices', file));
    hashes.push(`${file} ${createHash('sha256').update(bytes).digest('hex')}`);
  }
  return { record, stderr, hashes };
}

describe('claq quantize --engine tensorflow-cpu', () => {
  it('makes the same bytes on one thread, two and five', async () => {
    const one = await quantized('one', '--threads', '1');
    const two = await quantized('two', '--threads', '2');
    const five = await quantized('five', '--threads', '5');
    expect(one.record.engine.backend).toMatch(/^TensorFlow 2\.\d+\.\d+ on the CPU$/);
    expect(one.hashes.length).toBeGreaterThan(10);
    expect(two.hashes).toEqual(one.hashes);
    expect(five.hashes).toEqual(one.hashes);
    expect(two.record.result?.after?.meanNll).toBe(one.record.result?.after?.meanNll);
  });

  it('says that nothing comes of activations on a device without memory of its own', async () => {
    const plain = await quantized('plain');
    const asked = await quantized('asked', '--device-activations', '4');
    expect(asked.hashes).toEqual(plain.hashes);
    expect(asked.stderr).toContain('--device-activations changes nothing');
    expect(plain.stderr).not.toContain('--device-activations');
  });

  it('records half precision, which costs next to nothing', async () => {
    const { record } = await quantized('half', '--forward-precision', 'bfloat16');
    expect(record.engine.forwardPrecision).toBe('bfloat16');
    const { record: full } = await quantized('full');
    const [half, single] = [record.result?.before?.meanNll ?? NaN, full.result?.before?.meanNll ?? NaN];
    expect(half).not.toBe(single);
    expect(Math.abs(half - single)).toBeLessThan(0.02);
  });
});

describe('TensorFlow in the engine thread', () => {
  it('loads again in the next thread of a process, with other threads of its own, to the same result', async () => {
    const request = { model: DEMO_MODEL, windows: 2, contextLength: 128, engine: 'tensorflow-cpu' } as const;
    const first = await inEngineThread('evaluate', { ...request, threads: 1 });
    const second = await inEngineThread('evaluate', { ...request, threads: 2 });
    expect(first.engine).toMatch(/^TensorFlow 2\.\d+\.\d+ on the CPU$/);
    expect({ ...second, seconds: first.seconds }).toEqual(first);
  });

  it('ends as cancelled between two of its operations, and runs again', async () => {
    const out = join(work, 'cancelled');
    const request = {
      model: DEMO_MODEL,
      out,
      engine: 'tensorflow-cpu',
      calibration: { segments: 4, segmentLength: 128 },
      evaluation: { windows: 0 },
    } as const;
    const controller = new AbortController();
    const cancelled = inEngineThread('quantize', request, {
      signal: controller.signal,
      onProgress({ detail }) {
        if (detail?.startsWith('block 2 of ') === true) controller.abort();
      },
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'run/cancelled' });
    const { sessions } = await inEngineThread('quantize', request);
    expect(sessions).toBe(2);
  });
});
