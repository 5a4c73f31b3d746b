import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyHessian } from '../../../main/engine/claq/accumulate-hessian.ts';
import { aimedWeights } from '../../../main/engine/claq/aim.ts';
import { factorOnDevice } from '../../../main/engine/claq/device-factor.ts';
import {
  type CorrectionStrengths,
  type Drift,
  DriftSums,
  type ModelTokens,
  disposeDrift,
} from '../../../main/engine/claq/drift.ts';
import { type HessianFactor, factorHessian } from '../../../main/engine/claq/factor.ts';
import { invertUnitUpper, solveFactored } from '../../../main/engine/claq/solve-factored.ts';
import type { TokenRange } from '../../../main/engine/transformer/batch-sizes.ts';
import { type Engine, startEngine } from '../../../main/engine/start-engine.ts';
import { prepareHessian } from '../../oracle/gptq.ts';
import { type Matrix, at, inverse, matrixOf, product } from '../../oracle/linear-algebra.ts';
import { Random, randomHessian } from '../../oracle/random.ts';
import { TEST_ENGINE } from '../tensors/test-backend.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ threads: 2, engine: TEST_ENGINE });
});
afterAll(() => engine.stop());

const PERCDAMP = 0.01;

async function withFactor(hessian: Matrix, use: (factor: HessianFactor) => void): Promise<void> {
  const { pool } = engine;
  const mark = pool.arena.mark();
  const sums = emptyHessian(pool, hessian.columns);
  sums.load(Float32Array.from(hessian.values));
  const options = { percdamp: PERCDAMP, actOrder: true, where: 'test' };
  const factor =
    sums.home === 'device' ? await factorOnDevice(sums, options) : await factorHessian(pool, sums, options);
  try {
    use(factor);
  } finally {
    if (factor.home === 'device') factor.dispose();
    pool.arena.release(mark);
  }
}

function tensorOf({ rows, columns, values }: Matrix): tf.Tensor2D {
  return tf.tensor2d(Float32Array.from(values), [rows, columns]);
}

function randomMatrix(random: Random, rows: number, columns: number): Matrix {
  return matrixOf(
    rows,
    columns,
    random.floats(rows * columns, () => random.normal()),
  );
}

/** Largest difference over the largest value. */
function distance(values: ArrayLike<number>, expected: Matrix): number {
  const largest = Math.max(...expected.values.map(Math.abs));
  return Math.max(...expected.values.map((value, i) => Math.abs(value - (values[i] ?? NaN)))) / largest;
}

describe('solving with the factor', () => {
  it('is multiplying with the inverse of the damped Hessian, over several triangles', async () => {
    for (const columns of [5, 96, 500]) {
      const random = new Random(columns);
      const hessian = randomHessian(random, columns);
      const right = randomMatrix(random, 7, columns);
      const expected = product(right, inverse(prepareHessian(hessian, PERCDAMP, true).damped));
      await withFactor(hessian, (factor) => {
        const tensors = tf.memory().numTensors;
        const given = tensorOf(right);
        const solved = solveFactored(engine.pool, factor, given);
        expect(distance(solved.dataSync<'float32'>(), expected)).toBeLessThan(2e-3);
        tf.dispose([given, solved]);
        expect(tf.memory().numTensors).toBe(tensors);
      });
    }
  });

  it('leaves dead columns at zero', async () => {
    const hessian = randomHessian(new Random(3), 8);
    for (let i = 0; i < 8; i++) hessian.values[2 * 8 + i] = hessian.values[i * 8 + 2] = 0;
    await withFactor(hessian, (factor) => {
      const solved = tf.tidy(() => solveFactored(engine.pool, factor, tf.ones([2, 8])).dataSync<'float32'>());
      expect([solved[2], solved[10]]).toEqual([0, 0]);
      expect(solved[3]).not.toBe(0);
    });
  });

  it('inverts a unit upper triangle, whatever stands below it', () => {
    const inverse = invertUnitUpper(Float32Array.of(1, 2, 3, NaN, 1, 4, NaN, NaN, 1), 3);
    expect([...inverse]).toEqual([1, -2, 5, 0, 1, -4, 0, 0, 1]);
  });
});

/** Inputs of both models and their streams, [tokens, width]. */
interface Tokens {
  readonly original: Matrix;
  readonly quantized: Matrix;
  readonly originalStream: Matrix;
  readonly stream: Matrix;
}

/** @param output weights of a matrix that writes to the stream, undefined for one of several that share their inputs */
function driftOf(
  { original, quantized, originalStream, stream }: Tokens,
  scale: number,
  strengths: CorrectionStrengths,
  output?: Matrix,
): Drift {
  const weights = output === undefined ? undefined : tensorOf(output);
  const sums = new DriftSums(strengths, weights);
  sums.addSegment(
    [{ from: 0, to: original.rows }],
    () => ({ input: () => tensorOf(original), stream: () => tensorOf(originalStream) }),
    () => ({ input: () => tensorOf(quantized), stream: () => tensorOf(stream) }),
  );
  const drift = sums.take(scale);
  weights?.dispose();
  return drift;
}

describe('the matrix that is aimed at', () => {
  const random = new Random(5);
  const [tokens, columns, rows] = [400, 24, 6];
  const original = randomMatrix(random, tokens, columns);
  const quantized = matrixOf(
    tokens,
    columns,
    original.values.map((value) => value + 0.2 * random.normal()),
  );
  const stream = randomMatrix(random, tokens, rows);
  const originalStream = matrixOf(
    tokens,
    rows,
    stream.values.map((value) => value + 0.3 * random.normal()),
  );
  const weights = randomMatrix(random, rows, columns);
  const scale = 2 / tokens;
  const hessian = matrixOf(
    columns,
    columns,
    gram(quantized, quantized).map((value) => value * scale),
  );

  /** a^T b */
  function gram(a: Matrix, b: Matrix): Float64Array {
    const values = new Float64Array(a.columns * b.columns);
    for (let token = 0; token < a.rows; token++) {
      for (let i = 0; i < a.columns; i++) {
        for (let j = 0; j < b.columns; j++) {
          values[i * b.columns + j] = (values[i * b.columns + j] ?? 0) + at(a, token, i) * at(b, token, j);
        }
      }
    }
    return values;
  }

  function difference(a: Matrix, b: Matrix): Matrix {
    return matrixOf(
      a.rows,
      a.columns,
      a.values.map((value, i) => value - (b.values[i] ?? 0)),
    );
  }

  it('is W + (a W (X - X^) + r (h - h^)) X^^T H^-1', async () => {
    const inverted = inverse(prepareHessian(hessian, PERCDAMP, true).damped);
    const inputs = matrixOf(columns, columns, gram(difference(original, quantized), quantized));
    const streams = matrixOf(rows, columns, gram(difference(originalStream, stream), quantized));
    const [asymmetric, residual] = [product(product(weights, inputs), inverted), product(streams, inverted)];
    const everything = { original, quantized, originalStream, stream };
    await withFactor(hessian, (factor) => {
      for (const [a, r, output] of [
        [1, 0, weights],
        [0, 1, weights],
        [0.5, 0.25, weights],
        [0.5, 0, undefined],
      ] as const) {
        const expected = matrixOf(
          rows,
          columns,
          weights.values.map(
            (value, i) => value + scale * (a * (asymmetric.values[i] ?? 0) + r * (residual.values[i] ?? 0)),
          ),
        );
        const matrix = { rows, weights: Float32Array.from(weights.values) };
        const drift = driftOf(everything, scale, { asymmetric: a, residual: r }, output);
        expect(drift.products.shape).toEqual([output === undefined ? columns : rows, columns]);
        const [aimed = []] = aimedWeights(engine.pool, factor, [matrix], drift);
        expect(distance(aimed, expected)).toBeLessThan(1e-4);
        disposeDrift(drift);
      }
    });
  });

  it('adds tokens up, and keeps nothing of theirs', () => {
    const tensors = tf.memory().numTensors;
    const some = (matrix: Matrix, { from, to }: TokenRange): tf.Tensor2D =>
      tf.slice(tensorOf(matrix), [from, 0], [to - from, matrix.columns]);
    const originals = (rows: TokenRange): ModelTokens => ({
      input: () => some(original, rows),
      stream: () => some(originalStream, rows),
    });
    const own = (rows: TokenRange): ModelTokens => ({
      input: () => some(quantized, rows),
      stream: () => some(stream, rows),
    });
    const sums = new DriftSums({ asymmetric: 1, residual: 1 }, undefined);
    sums.addSegment([{ from: 0, to: 100 }], originals, own);
    // Memory that runs out at a segment's second half: the whole segment is to come again, in smaller parts.
    const fails = (rows: TokenRange): ModelTokens => {
      if (rows.from === 200) throw new Error('no memory');
      return own(rows);
    };
    const halves = [
      { from: 100, to: 200 },
      { from: 200, to: tokens },
    ];
    expect(() => sums.addSegment(halves, originals, fails)).toThrow('no memory');
    sums.addSegment(halves, originals, own);
    const drift = sums.take(scale);
    const expected = matrixOf(
      columns,
      columns,
      gram(difference(original, quantized), quantized).map((value) => value * scale),
    );
    expect(distance(drift.products.dataSync<'float32'>(), expected)).toBeLessThan(1e-4);
    disposeDrift(drift);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('comes nearest to the original output and stream on the quantized inputs', async () => {
    /** || X W^T + (h - h^) - X^ V^T ||^2 */
    const missed = (candidate: ArrayLike<number>): number => {
      const v = matrixOf(rows, columns, candidate);
      let sum = 0;
      for (let token = 0; token < tokens; token++) {
        for (let row = 0; row < rows; row++) {
          let left = at(originalStream, token, row) - at(stream, token, row);
          for (let column = 0; column < columns; column++) {
            left += at(original, token, column) * at(weights, row, column);
            left -= at(quantized, token, column) * at(v, row, column);
          }
          sum += left * left;
        }
      }
      return sum;
    };
    await withFactor(hessian, (factor) => {
      const matrix = { rows, weights: Float32Array.from(weights.values) };
      const everything = { original, quantized, originalStream, stream };
      const [half, whole] = [0.5, 1].map((part) => {
        const drift = driftOf(everything, scale, { asymmetric: part, residual: part }, weights);
        const [aimed = []] = aimedWeights(engine.pool, factor, [matrix], drift);
        disposeDrift(drift);
        return missed(aimed);
      });
      expect(half).toBeLessThan(missed(weights.values));
      expect(whole).toBeLessThan(half ?? 0);
    });
  });
});
