/** A run where memory is short: the host's, so that activations go to the disk, or the backend's, so that batches shrink. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Checkpoint } from '../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import type { GroupResult, MethodSettings } from '../../main/engine/claq/quantize-group.ts';
import { evaluatePerplexity } from '../../main/engine/evaluate/perplexity.ts';
import { type QuantizationRun, type RunOutcome, quantizeModel } from '../../main/engine/run.ts';
import { type Engine, startEngine } from '../../main/engine/start-engine.ts';
import { useKernelsForAttention } from '../../main/engine/tensors/kernel-attention.ts';
import { tensorflowInUse } from '../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { HiddenStates } from '../../main/engine/transformer/hidden-states.ts';
import { HostMemory } from '../../main/engine/transformer/host-memory.ts';
import { familyFolder } from '../golden/families.ts';
import { TEST_ENGINE } from './tensors/test-backend.ts';
import { openSpillFiles } from './transformer/open-spill-files.ts';
import { SETTINGS } from './run-settings.ts';

/** Four heads, 48 wide, 80 in the feed-forward network, a vocabulary of 320. */
const MODEL = familyFolder('llama');
const BLOCKS = 2;

let engine: Engine;
let checkpoint: Checkpoint;
let spillFolder = '';
beforeAll(async () => {
  engine = await startEngine({ threads: 2, engine: TEST_ENGINE });
  checkpoint = await openCheckpoint(MODEL);
  spillFolder = await mkdtemp(join(tmpdir(), 'claq-run-memory-'));
});
afterAll(async () => {
  await checkpoint.close();
  await engine.stop();
  await rm(spillFolder, { recursive: true });
});
afterEach(() => vi.restoreAllMocks());

function sequences(...lengths: readonly number[]): Int32Array[] {
  return lengths.map((length, sequence) =>
    Int32Array.from({ length }, (_, i) => (i * 37 + i * i * sequence) % 320),
  );
}

const held = (): number => tensorflowInUse()?.getNumOfTFTensors() ?? tf.memory().numTensors;

interface Finished extends RunOutcome {
  readonly results: GroupResult[];
  readonly notes: string[];
}

async function runWith(changes: Partial<QuantizationRun>): Promise<Finished> {
  const results: GroupResult[] = [];
  const notes: string[] = [];
  const outcome = await quantizeModel({
    checkpoint,
    pool: engine.pool,
    segments: sequences(40, 30, 50),
    windows: sequences(40, 40),
    settings: SETTINGS,
    onMatrix: (result) => Promise.resolve(void results.push(result)),
    onNote: (line) => notes.push(line),
    ...changes,
  });
  return { ...outcome, results, notes };
}

/** Whose corrections follow the original model. */
const CORRECTED: MethodSettings = {
  ...SETTINGS,
  method: 'claq-plus',
  plus: { techniques: ['asymmetric', 'residual', 'sweeps'], strength: 0.5, sweeps: 1 },
};

/** Nothing is left of what went to the disk, nor in memory. */
async function expectAllGivenBack(memory: HostMemory): Promise<void> {
  expect(memory.taken).toBe(0);
  expect(openSpillFiles(spillFolder)).toBe(0);
  expect(await readdir(spillFolder)).toEqual([]);
}

describe('a run with little host memory', () => {
  it('gives the same bytes with activations on the disk, in part or all, and says so once', async () => {
    const { results, perplexity, notes } = await runWith({});
    expect(results).toHaveLength(7 * BLOCKS);
    expect(notes).toEqual([]);
    // 120 calibration tokens of 48 + 80 values, 80 evaluation tokens of 48.
    const needed = 4 * (120 * 128 + 80 * 48);
    expect((await runWith({ memory: new HostMemory({ bytes: needed, spillFolder }) })).notes).toEqual([]);
    for (const [bytes, spilled] of [
      [0, '76.8 kB'],
      [20_000, '56.8 kB'],
      [needed - 4, '4 bytes'],
    ] as const) {
      const memory = new HostMemory({ bytes, spillFolder });
      const spilling = await runWith({
        memory,
        onBlock: () => {
          // One of hidden states that is open all the time, and one more of the windows'.
          if (bytes === 0) expect(openSpillFiles(spillFolder)).toBe(2);
          return Promise.resolve();
        },
      });
      expect(spilling.results).toEqual(results);
      expect(spilling.perplexity).toEqual(perplexity);
      expect(spilling.notes).toEqual([
        `Hidden states do not fit in memory: ${spilled} of 76.8 kB go to ${spillFolder}`,
      ]);
      await expectAllGivenBack(memory);
    }
  });

  it('holds no more than its share', async () => {
    const memory = new HostMemory({ bytes: 30_000, spillFolder });
    const taken: number[] = [];
    await runWith({ memory, onProgress: () => taken.push(memory.taken) });
    expect(Math.max(...taken)).toBeLessThanOrEqual(30_000);
    expect(Math.max(...taken)).toBeGreaterThan(20_000);
  });

  it('gives memory and disk back when it is called off', async () => {
    const memory = new HostMemory({ bytes: 10_000, spillFolder });
    const before = held();
    const controller = new AbortController();
    const run = runWith({
      memory,
      signal: controller.signal,
      onProgress: ({ detail }) => {
        if (detail !== 'block 2 of 2, through gate, up') return;
        expect(openSpillFiles(spillFolder)).toBeGreaterThan(0);
        controller.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'run/cancelled' });
    await expectAllGivenBack(memory);
    expect(held()).toBe(before);
  });

  it.each(['drift of o', 'the original through gate, up', 'through gate, up'])(
    'gives back the original model’s too when it is called off in %s',
    async (place) => {
      const memory = new HostMemory({ bytes: 10_000, spillFolder });
      const before = held();
      const controller = new AbortController();
      const run = runWith({
        memory,
        settings: CORRECTED,
        signal: controller.signal,
        onProgress: ({ detail }) => {
          if (detail === `block 2 of 2, ${place}`) controller.abort();
        },
      });
      await expect(run).rejects.toMatchObject({ code: 'run/cancelled' });
      await expectAllGivenBack(memory);
      expect(held()).toBe(before);
    },
  );

  it('corrects to the same bytes with activations on the disk', async () => {
    const { results, perplexity } = await runWith({ settings: CORRECTED });
    const memory = new HostMemory({ bytes: 10_000, spillFolder });
    const spilling = await runWith({ settings: CORRECTED, memory });
    expect(spilling.results).toEqual(results);
    expect(spilling.perplexity).toEqual(perplexity);
    await expectAllGivenBack(memory);
  });

  it.each([0, 10_000, 50_000])('gives memory and disk back when it fails, with %i bytes', async (bytes) => {
    const memory = new HostMemory({ bytes, spillFolder });
    const before = held();
    const failing = runWith({ memory, onMatrix: () => Promise.reject(new Error('no place for it')) });
    await expect(failing).rejects.toThrow('no place for it');
    await expectAllGivenBack(memory);
    // A window that does not fit the model is found when the calibration is in memory already.
    const refused = runWith({ memory, windows: [Int32Array.of(1, 320)] });
    await expect(refused).rejects.toMatchObject({ code: 'tokenizer/does-not-fit' });
    await expectAllGivenBack(memory);
    expect(held()).toBe(before);
  });

  it('evaluates to the same perplexity', async () => {
    const windows = sequences(40, 40, 40);
    const notes: string[] = [];
    const memory = new HostMemory({ bytes: 8000, spillFolder });
    const measured = await evaluatePerplexity({
      checkpoint,
      windows,
      memory,
      onNote: (line) => notes.push(line),
    });
    expect(measured).toEqual(await evaluatePerplexity({ checkpoint, windows }));
    expect(notes).toEqual([`Hidden states do not fit in memory: 15.0 kB of 23.0 kB go to ${spillFolder}`]);
    await expectAllGivenBack(memory);
  });
});

// Elsewhere the memory of tensors is the host's.
if (TEST_ENGINE === 'wasm') {
  describe('a run whose activations may stay on the device', () => {
    // Hidden states of three segments, 48 wide, and what o's and down's inputs take beside them.
    const all = 4 * 120 * 128;

    it.each([
      ['all', all],
      ['those of some segments', all / 2],
    ])('gives the same bytes: %s', async (_, deviceActivations) => {
      const { results, perplexity } = await runWith({});
      const before = held();
      const most: number[] = [];
      const staying = await runWith({ deviceActivations, onProgress: () => most.push(held()) });
      const going = await runWith({ onProgress: () => most.push(-held()) });
      expect(staying.results).toEqual(results);
      expect(staying.perplexity).toEqual(perplexity);
      expect([...staying.notes, ...going.notes]).toEqual([]);
      // Some are there.
      expect(Math.max(...most)).toBeGreaterThan(-Math.min(...most));
      expect(held()).toBe(before);
    });

    it('has them leave where its memory runs out, and goes on to the same bytes', async () => {
      const { results } = await runWith({});
      const before = held();
      let calls = 0;
      const whole = HiddenStates.prototype.transform;
      vi.spyOn(HiddenStates.prototype, 'transform').mockImplementation(function (
        this: HiddenStates,
        ...args
      ) {
        calls++;
        if (calls === 5) throw new Error('OOM when allocating tensor with shape[30,48] and type float');
        whole.apply(this, args);
      });
      const cleared = await runWith({ deviceActivations: all });
      expect(cleared.results).toEqual(results);
      expect(cleared.notes).toEqual([
        'Device memory is short: activations go through host memory from here on',
      ]);
      expect(held()).toBe(before);
    });
  });
}

if (TEST_ENGINE !== 'wasm') {
  /** Lets TensorFlow have no memory for a tensor of more values than `largest`. */
  function limitTensors(largest: number): void {
    const backend = tensorflowInUse() ?? expect.fail('TensorFlow is not in use');
    const execute = backend.executeSingleOutput.bind(backend);
    vi.spyOn(backend, 'executeSingleOutput').mockImplementation((name, attributes, inputs) => {
      const made = execute(name, attributes, inputs);
      if (made.size <= largest) return made;
      made.dispose();
      throw new Error(
        `Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[${made.shape.join()}] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc`,
      );
    });
  }

  describe('a run with little memory on the device', () => {
    // As on a card: attention by operations, whose scores take memory. Taken into use and put back, the kernels are not in use.
    beforeAll(() => useKernelsForAttention(engine.pool)());

    const LONG = { segments: sequences(400, 300), windows: sequences(400) };
    const total = (results: readonly GroupResult[]): number =>
      results.reduce((sum, { matrix }) => sum + matrix.loss, 0);

    it.each([SETTINGS, CORRECTED])(
      'goes on in smaller batches, to next to the same result',
      async (settings) => {
        const enough = await runWith({ ...LONG, settings });
        expect(enough.notes).toEqual([]);
        const before = held();
        // Attention's scores of 16 queries are 25,600 values, those of 32 and the activations of 400 tokens are more.
        limitTensors(26_000);
        const short = await runWith({ ...LONG, settings });
        expect(short.notes).toEqual(
          [
            [200, 128],
            [100, 64],
            [64, 32],
            [64, 16],
          ].map(
            ([tokens, queries]) =>
              `Device memory is short: going on with ${tokens} tokens and ${queries} queries at a time`,
          ),
        );
        expect(short.results.map(({ name }) => name)).toEqual(enough.results.map(({ name }) => name));
        expect(total(short.results) / total(enough.results)).toBeCloseTo(1, 2);
        expect((short.perplexity?.meanNll ?? NaN) / (enough.perplexity?.meanNll ?? NaN)).toBeCloseTo(1, 3);
        expect(held()).toBe(before);
      },
    );

    it('evaluates in smaller batches to the same perplexity', async () => {
      const { windows } = LONG;
      const enough = await evaluatePerplexity({ checkpoint, windows });
      const before = held();
      limitTensors(26_000);
      const notes: string[] = [];
      const short = await evaluatePerplexity({ checkpoint, windows, onNote: (line) => notes.push(line) });
      expect(notes).toHaveLength(4);
      expect(short.meanNll / enough.meanNll).toBeCloseTo(1, 6);
      expect(held()).toBe(before);
    });

    it('ends where batches cannot be smaller, and holds nothing', async () => {
      const before = held();
      limitTensors(15_000);
      const run = runWith(LONG);
      await expect(run).rejects.toMatchObject({
        code: 'engine/out-of-memory',
        found: expect.stringMatching(/^Message: OOM when allocating tensor with shape/) as unknown,
      });
      const evaluation = evaluatePerplexity({ checkpoint, windows: LONG.windows });
      await expect(evaluation).rejects.toMatchObject({ code: 'engine/out-of-memory' });
      expect(held()).toBe(before);
    });
  });
}
