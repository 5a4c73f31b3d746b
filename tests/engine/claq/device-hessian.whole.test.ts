import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { DeviceHessian } from '../../../main/engine/claq/device-hessian.ts';
import { tensorflowInUse } from '../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { BatchSizes } from '../../../main/engine/transformer/batch-sizes.ts';
import { Random } from '../../oracle/random.ts';
import { startTestBackend } from '../tensors/test-backend.ts';

beforeAll(() => startTestBackend());

const held = (): number => tensorflowInUse()?.getNumOfTFTensors() ?? NaN;

describe('DeviceHessian', () => {
  // Up to 863 columns stand in one band, 1500 in three.
  it.each([5, 700, 1500])('%i columns: its diagonal and the whole of its products', (columns) => {
    const [tokens, segments] = [9, 3];
    const random = new Random(91);
    // Small whole numbers: every sum is exact.
    const values = random.floats(tokens * columns, () => Math.round(3 * random.student(5)));
    const before = held();
    const hessian = new DeviceHessian(columns);
    for (let segment = 0; segment < segments; segment++)
      hessian.addSegment(tokens, new BatchSizes(4), ({ from, to }) =>
        tf.tensor2d(values.slice(from * columns, to * columns), [to - from, columns]),
      );
    expect(hessian.scale).toBe(2 / segments);
    const expected = (row: number, column: number): number => {
      let sum = 0;
      for (let token = 0; token < tokens; token++)
        sum += (values[token * columns + row] ?? NaN) * (values[token * columns + column] ?? NaN);
      return segments * sum;
    };
    const diagonal = Float64Array.from({ length: columns }, (_, i) => expected(i, i) * hessian.scale);
    expect(hessian.diagonal()).toEqual(diagonal);
    const products = hessian.takeProducts();
    const cells = products.dataSync<'float32'>();
    products.dispose();
    expect(held()).toBe(before);
    for (const [cell, value] of cells.entries()) {
      const [row, column] = [Math.floor(cell / columns), cell % columns];
      if (value !== expected(row, column)) throw new Error(`${value} at ${row}, ${column}`);
    }
  });

  it('starts from a Hessian that was computed elsewhere', () => {
    const before = held();
    const hessian = new DeviceHessian(2);
    hessian.load(Float32Array.of(4, 1, 1, 6));
    expect([...hessian.diagonal()]).toEqual([4, 6]);
    const products = hessian.takeProducts();
    expect([...products.dataSync<'float32'>()].map((value) => value * hessian.scale)).toEqual([4, 1, 1, 6]);
    products.dispose();
    expect(held()).toBe(before);
  });
});
