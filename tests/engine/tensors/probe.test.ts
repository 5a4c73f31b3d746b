import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runOwnProgram } from '../../../main/service/own-program.ts';
import { probeAnswerSchema, probeEngine } from '../../../main/engine/tensors/probe.ts';
import {
  ADDON_FILE,
  INSTALLATION_FILE,
  tensorflowHome,
} from '../../../main/engine/tensors/tensorflow/installation.ts';
import type { EngineName } from '../../../shared/engine.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { installationRecord } from './installation-record.ts';
import { TEST_ENGINE } from './test-backend.ts';

const engine: EngineName = TEST_ENGINE === 'auto' ? 'wasm' : TEST_ENGINE;
const HERE = { engine, tensorflowHome: tensorflowHome() };

const RUNS =
  engine === 'wasm'
    ? { runs: true, description: 'WebAssembly SIMD, 1 thread', tensorflow: null }
    : {
        runs: true,
        description: expect.stringMatching(/^TensorFlow 2\.\d+\.\d+ on the CPU$/) as unknown,
        tensorflow: { version: expect.stringMatching(/^2\.\d+\.\d+$/) as unknown, usesGpu: false },
      };

describe('probeEngine', () => {
  it('computes, and says with what', async () => {
    const answer = await probeEngine(HERE);
    expect(answer).toMatchObject(RUNS);
    expect(answer.runs && answer.seconds > 0).toBe(true);
  });

  it('says so where the results are wrong', async () => {
    await probeEngine(HERE);
    const product = tf.getKernel('BatchMatMul', tf.getBackend());
    const change = (kernel: tf.KernelConfig): void => {
      tf.unregisterKernel('BatchMatMul', tf.getBackend());
      tf.registerKernel(kernel);
    };
    onTestFinished(() => change(product));
    change({ ...product, kernelFunc: () => tf.ones([2, 2]) });
    expect(await probeEngine(HERE)).toEqual({
      runs: false,
      why: 'a matrix product is wrong: [1, 1, 1, 1] for [58, 64, 139, 154]',
    });
  });

  it('says so where there is nothing to start', async () => {
    expect(await probeEngine({ engine: 'tensorflow-gpu', tensorflowHome: await temporaryFolder() })).toEqual({
      runs: false,
      why: 'TensorFlow for GPUs is not installed',
    });
  });

  it('leaves no tensors', async () => {
    await probeEngine(HERE);
    const before = tf.memory().numTensors;
    await probeEngine(HERE);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the program probe', () => {
  const probe = async (task: unknown): Promise<unknown> => {
    const { stdout } = await runOwnProgram('probe', [JSON.stringify(task)], { env: process.env });
    return probeAnswerSchema.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
  };

  it('answers in the last line', async () => {
    expect(await probe(HERE)).toMatchObject(RUNS);
  });

  it('answers where the addon is none', async () => {
    const home = await temporaryFolder();
    const addon = join(home, 'cpu', ADDON_FILE);
    await mkdir(dirname(addon), { recursive: true });
    await writeFile(addon, 'not a library');
    await writeFile(join(home, 'cpu', INSTALLATION_FILE), JSON.stringify(installationRecord('cpu')));
    expect(await probe({ engine: 'tensorflow-cpu', tensorflowHome: home })).toEqual({
      runs: false,
      why: expect.stringMatching(/^TensorFlow cannot be loaded: .*tfjs_binding\.node/) as unknown,
    });
  });

  it('refuses another task', async () => {
    const task = JSON.stringify({ engine: 'abacus' });
    expect(await runOwnProgram('probe', [task], { env: process.env })).toMatchObject({ code: 1, stdout: '' });
  });
});
