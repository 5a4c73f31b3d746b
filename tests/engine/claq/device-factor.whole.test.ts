import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { factorOnDevice } from '../../../main/engine/claq/device-factor.ts';
import { factorHessian } from '../../../main/engine/claq/factor.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { tensorflowInUse } from '../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { prepareHessian } from '../../oracle/gptq.ts';
import { at, matrixOf, permuteSymmetric } from '../../oracle/linear-algebra.ts';
import { Random, randomHessian } from '../../oracle/random.ts';
import { thrownBy } from '../checkpoint/thrown.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { deviceHessian, kernelHessian } from './loop-case.ts';

let pool: KernelPool;
beforeAll(async () => {
  await startTestBackend();
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

const held = (): number => tensorflowInUse()?.getNumOfTFTensors() ?? NaN;
const OPTIONS = { percdamp: 0.01, actOrder: true, where: 'layer' };

describe('factorOnDevice', () => {
  const random = new Random(52);

  it.each([
    [1, true],
    [96, false],
    [200, true],
    [700, true],
  ])('%i columns, act-order %s: U D U^T is the damped matrix in its order', async (columns, actOrder) => {
    const hessian = randomHessian(random, columns, columns > 10 ? [3] : []);
    const expected = prepareHessian(hessian, 0.01, actOrder);
    const target = permuteSymmetric(expected.damped, expected.order);
    const before = held();
    const factor = await factorOnDevice(deviceHessian(hessian), { ...OPTIONS, actOrder });
    expect([...factor.order]).toEqual(expected.order);
    expect([...factor.dead]).toEqual(expected.dead.map(Number));
    expect(factor.damping).toBe(0.01);
    expect(factor.paddedColumns % 96).toBe(0);
    const rebuilt = tf.tidy(() => {
      const upper = tf.linalg.bandPart(tf.slice(factor.upper, [0, 0], [columns, columns]), 0, -1);
      expect(upper.shape).toEqual([columns, columns]);
      return tf.matMul(tf.mul(upper, tf.tensor1d(Float32Array.from(factor.d))), upper, false, true);
    });
    const values = rebuilt.dataSync<'float32'>();
    rebuilt.dispose();
    for (const [cell, value] of values.entries()) {
      const [row, column] = [Math.floor(cell / columns), cell % columns];
      // Float32 against the size of the two rows.
      const size = Math.sqrt(at(target, row, row) * at(target, column, column));
      const difference = Math.abs(value - at(target, row, column));
      if (!(difference < 1e-5 * size)) throw new Error(`${difference} at ${row}, ${column} of size ${size}`);
    }
    factor.dispose();
    expect(held()).toBe(before);
  });

  it('gives what the kernels give: order, damping, and what an error in a column costs', async () => {
    const hessian = randomHessian(random, 150, [7]);
    const mark = pool.arena.mark();
    const kernels = await factorHessian(pool, kernelHessian(pool, hessian), OPTIONS);
    const device = await factorOnDevice(deviceHessian(hessian), OPTIONS);
    expect(device.order).toEqual(kernels.order);
    expect(device.dead).toEqual(kernels.dead);
    for (const [column, cost] of kernels.sensitivity.entries()) {
      if (cost === 0) expect(device.sensitivity[column]).toBe(0);
      else expect(Math.abs((device.sensitivity[column] ?? NaN) / cost - 1)).toBeLessThan(1e-4);
    }
    device.dispose();
    pool.arena.release(mark);
  });

  it('damps more where that is not enough', async () => {
    // Eigenvalues 2.05 and -0.05: a hundredth of the diagonal does not lift them, a tenth does.
    const factor = await factorOnDevice(deviceHessian(matrixOf(2, 2, [1, 1.05, 1.05, 1])), OPTIONS);
    expect(factor.damping).toBe(0.1);
    expect(factor.d[1]).toBeCloseTo(1.1, 5);
    expect(factor.d[0]).toBeCloseTo(1.1 - 1.05 ** 2 / 1.1, 5);
    factor.dispose();
  });

  it('gives up on a matrix that no damping mends, says which, and leaves nothing behind', async () => {
    const before = held();
    const hopeless = deviceHessian(matrixOf(2, 2, [1, 20, 20, 1]));
    expect(await thrownBy(() => factorOnDevice(hopeless, OPTIONS))).toMatchObject({
      code: 'hessian/not-positive-definite',
      where: 'layer',
      found: 'none at damping 0.01 to 10',
    });
    expect(held()).toBe(before);
  });

  it('refuses inputs that are not finite', async () => {
    const infinite = deviceHessian(matrixOf(2, 2, [1, 0, 0, Infinity]));
    expect(await thrownBy(() => factorOnDevice(infinite, OPTIONS))).toMatchObject({
      code: 'hessian/not-finite',
      where: 'layer',
    });
    infinite.dispose();
  });
});
