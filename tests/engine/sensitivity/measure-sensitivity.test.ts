import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import {
  measureSensitivity,
  sensitivityBytes,
} from '../../../main/engine/sensitivity/measure-sensitivity.ts';
import { useKernelsForAttention } from '../../../main/engine/tensors/kernel-attention.ts';
import { tensorflowInUse } from '../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { BatchSizes } from '../../../main/engine/transformer/batch-sizes.ts';
import { HostMemory } from '../../../main/engine/transformer/host-memory.ts';
import type { Progress } from '../../../shared/progress.ts';
import { familyFolder, readExpected } from '../../golden/families.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { TEST_ENGINE, startTestBackend } from '../tensors/test-backend.ts';
import { openSpillFiles } from '../transformer/open-spill-files.ts';
import { largestError } from './largest-error.ts';

beforeAll(startTestBackend);

/** Of a value to that of the same in another order of float32 additions. */
const TOLERANCE = 1e-4;

describe('measureSensitivity', () => {
  let checkpoint: Checkpoint;
  let segments: Int32Array[];
  beforeAll(async () => {
    checkpoint = await openCheckpoint(familyFolder('mistral-sliding'));
    const [first, second, third] = (await readExpected('mistral-sliding')).windows;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three windows');
    segments = [first, second.subarray(5), third.subarray(0, 1), third.subarray(0, 2)];
  });
  afterAll(() => checkpoint.close());

  it('is the same in smaller batches, and with attention on the kernels', async () => {
    const whole = await measureSensitivity({ checkpoint, segments });
    const sizes = new BatchSizes(17);
    const inBatches = await measureSensitivity({ checkpoint, segments, sizes });
    const pool = await KernelPool.start({ threads: 1 });
    const putBack = useKernelsForAttention(pool);
    const onKernels = await measureSensitivity({ checkpoint, segments });
    putBack();
    await pool.stop();
    for (const other of [inBatches, onKernels]) {
      whole.matrices.forEach(({ mean, median, rows }, at) => {
        const found = other.matrices[at];
        expect(largestError([found?.mean ?? 0, found?.median ?? 0], [mean, median])).toBeLessThan(TOLERANCE);
        expect(largestError(found?.rows ?? [], rows)).toBeLessThan(TOLERANCE);
      });
    }
  });

  it('counts each token of each segment but the last, and no segment of one token', async () => {
    const { tokens, matrices } = await measureSensitivity({ checkpoint, segments });
    expect(tokens).toBe(39 + 34 + 1);
    let sum = 0;
    for (const segment of [0, 1, 3]) {
      const alone = await measureSensitivity({ checkpoint, segments: segments.slice(segment, segment + 1) });
      sum += alone.tokens * (alone.matrices[9]?.mean ?? Number.NaN);
    }
    expect(sum / tokens / (matrices[9]?.mean ?? Number.NaN)).toBeCloseTo(1, 6);
  });

  it('gives the same numbers with residual streams on the disk, says so, and gives all back', async () => {
    const spillFolder = await temporaryFolder();
    const inMemory = await measureSensitivity({ checkpoint, segments });
    // 2 blocks and 3 more, of 77 tokens of 48 values.
    expect(sensitivityBytes(checkpoint.model, 77)).toBe(5 * 77 * 48 * 4);
    for (const bytes of [0, 30_000]) {
      const memory = new HostMemory({ bytes, spillFolder });
      const notes: string[] = [];
      let open = 0;
      const spilled = await measureSensitivity({
        checkpoint,
        segments,
        memory,
        onNote: (line) => notes.push(line),
        onProgress: () => {
          open = Math.max(open, openSpillFiles(spillFolder));
        },
      });
      expect(spilled).toEqual(inMemory);
      expect(open).toBeGreaterThan(2);
      expect(notes).toHaveLength(1);
      expect(memory.taken).toBe(0);
      expect(openSpillFiles(spillFolder)).toBe(0);
    }
  });

  it('tells its progress in tokens, of a total known from the start', async () => {
    const told: Progress[] = [];
    await measureSensitivity({
      checkpoint,
      segments: segments.slice(0, 2),
      onProgress: (progress) => told.push(progress),
    });
    expect(new Set(told.map(({ phase, total, unit }) => `${phase}: ${total} ${unit}`))).toEqual(
      new Set(['Measuring sensitivity: 525 tokens']),
    );
    expect(told.map(({ done, detail }) => `${done} ${detail ?? ''}`)).toEqual([
      '38 block 1 of 2',
      '75 block 1 of 2',
      '113 block 2 of 2',
      '150 block 2 of 2',
      '188 head',
      '225 head',
      '300 gradients of block 2 of 2',
      '375 gradients of block 2 of 2',
      '450 gradients of block 1 of 2',
      '525 gradients of block 1 of 2',
    ]);
  });

  it.each([1, 4, 5, 7, 9])('stops when it is cancelled after report %i, and holds nothing', async (last) => {
    const before = tf.memory().numTensors;
    const memory = new HostMemory();
    const abort = new AbortController();
    let reports = 0;
    const onProgress = (): void => {
      if (++reports === last) abort.abort();
    };
    const run = measureSensitivity({
      checkpoint,
      segments: segments.slice(0, 2),
      memory,
      onProgress,
      signal: abort.signal,
    });
    await expect(run).rejects.toMatchObject({ code: 'run/cancelled' });
    expect(reports).toBe(last);
    expect(memory.taken).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses text without two tokens in a row', async () => {
    const run = measureSensitivity({ checkpoint, segments: [Int32Array.of(1), Int32Array.of(2)] });
    await expect(run).rejects.toMatchObject({ code: 'text/too-little' });
  });
});

if (TEST_ENGINE !== 'wasm') {
  describe('measuring with little memory on the device', () => {
    afterEach(() => vi.restoreAllMocks());

    it('goes on in smaller batches, to next to the same result', async () => {
      const checkpoint = await openCheckpoint(familyFolder('llama'));
      const segments = [400, 300].map((length) =>
        Int32Array.from({ length }, (_, i) => (i * 37 + i * i) % 320),
      );
      const enough = await measureSensitivity({ checkpoint, segments });
      const backend = tensorflowInUse() ?? expect.fail('TensorFlow is not in use');
      const before = backend.getNumOfTFTensors();
      const execute = backend.executeSingleOutput.bind(backend);
      vi.spyOn(backend, 'executeSingleOutput').mockImplementation((name, attributes, inputs) => {
        const made = execute(name, attributes, inputs);
        // Attention's scores of 16 queries are 25,600 values, those of 32 and the activations of 400 tokens are more.
        if (made.size <= 26_000) return made;
        made.dispose();
        throw new Error('Invalid TF_Status: 8\nMessage: OOM when allocating tensor');
      });
      const notes: string[] = [];
      const short = await measureSensitivity({ checkpoint, segments, onNote: (line) => notes.push(line) });
      await checkpoint.close();
      expect(notes.at(-1)).toBe('Device memory is short: going on with 64 tokens and 16 queries at a time');
      expect(backend.getNumOfTFTensors()).toBe(before);
      enough.matrices.forEach(({ rows }, at) => {
        expect(largestError(short.matrices[at]?.rows ?? [], rows)).toBeLessThan(TOLERANCE);
      });
    });
  });
}
