import { describe, expect, it } from 'vitest';
import type { QuantizedMatrix } from '../../../main/engine/claq/quantized-matrix.ts';
import { areFinite, haveSameCodes } from '../../../main/engine/result/same-codes.ts';
import { randomGridMatrix, randomMatrix } from './random-matrix.ts';

const withCodebooks = randomMatrix(3);
const onGrid = randomGridMatrix(3);

describe('haveSameCodes', () => {
  it('is true of a copy, whatever its loss is said to be', () => {
    for (const matrix of [withCodebooks, onGrid]) {
      expect(haveSameCodes(matrix, { ...structuredClone(matrix), loss: 1 })).toBe(true);
    }
  });

  it.each<[string, QuantizedMatrix, Partial<QuantizedMatrix>]>([
    ['a code', withCodebooks, { codes: withCodebooks.codes.with(0, 99) }],
    ['a width', withCodebooks, { widths: withCodebooks.widths.with(0, 9) }],
    ['the rows', withCodebooks, { rows: withCodebooks.rows + 1 }],
    [
      'the number of reserved entries',
      withCodebooks,
      { reservedStart: withCodebooks.reservedStart.with(1, -1) },
    ],
    ['the levels', withCodebooks, { levels: onGrid.levels }],
    ['the levels of a grid', onGrid, { levels: withCodebooks.levels }],
  ])('is false where %s differs', (_, matrix, change) => {
    expect(haveSameCodes(matrix, { ...matrix, ...change })).toBe(false);
  });

  it('is false where a centroid has another sign, row scales are missing, or a scale differs', () => {
    const { levels } = withCodebooks;
    if (levels.kind !== 'codebook' || onGrid.levels.kind !== 'grid')
      throw new TypeError('another kind of levels');
    const zero = { ...withCodebooks, levels: { ...levels, centroids: levels.centroids.with(0, 0) } };
    const minus = { ...zero, levels: { ...zero.levels, centroids: zero.levels.centroids.with(0, -0) } };
    expect(haveSameCodes(zero, minus)).toBe(false);
    const rowScales = new Float32Array(withCodebooks.rows).fill(1);
    const { kind, start, centroids } = levels;
    const scaled = { ...withCodebooks, levels: { ...levels, rowScales } };
    expect(haveSameCodes({ ...withCodebooks, levels: { kind, start, centroids } }, scaled)).toBe(false);
    expect(haveSameCodes(scaled, structuredClone(scaled))).toBe(true);
    const scales = onGrid.levels.scales.with(0, 77);
    expect(haveSameCodes(onGrid, { ...onGrid, levels: { ...onGrid.levels, scales } })).toBe(false);
  });
});

describe('areFinite', () => {
  it('looks at all that weights are made of', () => {
    expect(areFinite(withCodebooks)).toBe(true);
    expect(areFinite(onGrid)).toBe(true);
    expect(areFinite({ ...withCodebooks, reservedValues: Float32Array.of(NaN) })).toBe(false);
    if (withCodebooks.levels.kind !== 'codebook' || onGrid.levels.kind !== 'grid')
      throw new TypeError('kind');
    const infinite = Float32Array.of(1, -Infinity);
    expect(areFinite({ ...withCodebooks, levels: { ...withCodebooks.levels, centroids: infinite } })).toBe(
      false,
    );
    expect(areFinite({ ...withCodebooks, levels: { ...withCodebooks.levels, rowScales: infinite } })).toBe(
      false,
    );
    expect(areFinite({ ...onGrid, levels: { ...onGrid.levels, scales: infinite } })).toBe(false);
  });
});
