import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { measureSensitivity } from '../../../main/engine/sensitivity/measure-sensitivity.ts';
import { MATRIX_KINDS, matrixName } from '../../../shared/model.ts';
import { FAMILY_MODELS, familyFolder, readExpected } from '../../golden/families.ts';
import { readExpectedSquares } from '../../golden/sensitivity.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { largestError } from './largest-error.ts';

beforeAll(startTestBackend);

/** Relative to the expected value, which is float64's; rounding takes ours up to 1.5e-5 off. */
const TOLERANCE = 3e-5;

describe.each(FAMILY_MODELS)('%s, as torch differentiates it', (name) => {
  it('has the same squared gradients at the outputs of all layers, and leaves no tensor behind', async () => {
    const checkpoint = await openCheckpoint(familyFolder(name));
    const { windows } = await readExpected(name);
    const expected = await readExpectedSquares(name);
    const before = tf.memory().numTensors;
    const { tokens, matrices } = await measureSensitivity({ checkpoint, segments: windows });
    await checkpoint.close();
    expect(tf.memory().numTensors).toBe(before);
    expect(tokens).toBe(3 * 39);
    expect(matrices.map(({ block, kind }) => `${block} ${kind}`)).toEqual(
      [0, 1].flatMap((block) => MATRIX_KINDS.map((kind) => `${block} ${kind}`)),
    );
    for (const { block, kind, mean, median, rows } of matrices) {
      const squares = expected(matrixName(block, kind));
      const sorted = squares.tokens.toSorted();
      expect(sorted).toHaveLength(tokens);
      const sum = sorted.reduce((total, value) => total + value, 0);
      expect(largestError([mean, median], [sum / tokens, sorted[58] ?? Number.NaN])).toBeLessThan(TOLERANCE);
      expect(rows).toHaveLength(squares.rows.length);
      expect(largestError(rows, squares.rows)).toBeLessThan(TOLERANCE);
    }
  });
});
