import { expect, it } from 'vitest';
import { fillBudget } from '../../shared/allocation-fill.ts';
import { type AllocationMatrix, bytesOfCounts, countOptions } from '../../shared/allocation-matrix.ts';

const OPTIONS = [
  { width: 1, reserved: 0 },
  { width: 2, reserved: 0 },
  { width: 3, reserved: 0 },
];

/** 96 rows: from width 1 to 2 takes 16 bytes, from 2 to 3 20. */
function matrixOf(losses: readonly (readonly [number, number, number])[]): AllocationMatrix {
  return {
    shape: { rows: 96, columns: losses.length },
    form: {},
    options: OPTIONS,
    losses: Float32Array.from(losses.flat()),
  };
}

function filled(
  matrices: readonly AllocationMatrix[],
  chosen: readonly (readonly number[])[],
  left: number,
): number[][] {
  const options = chosen.map((each) => Uint8Array.from(each));
  fillBudget(matrices, options, left);
  return options.map((each) => [...each]);
}

const ONE = matrixOf([
  [100, 50, 20],
  [90, 50, 49],
]);

it('takes the step with the most gain per byte that fits, again and again', () => {
  // 16 bytes of codes and centroids, less 8 of a class that is gone and 1 of names.
  expect(filled([ONE], [[0, 1]], 6)).toEqual([[0, 1]]);
  expect(filled([ONE], [[0, 1]], 7)).toEqual([[1, 1]]);
  // 20, and 9 for a new class; then 20, and a class is gone again.
  expect(filled([ONE], [[0, 1]], 7 + 28)).toEqual([[1, 1]]);
  expect(filled([ONE], [[0, 1]], 7 + 29)).toEqual([[2, 1]]);
  expect(filled([ONE], [[0, 1]], 7 + 29 + 10)).toEqual([[2, 1]]);
  expect(filled([ONE], [[0, 1]], 7 + 29 + 11)).toEqual([[2, 2]]);
});

it('counts a class that is new, or goes', () => {
  const counts = (...each: number[]): number => bytesOfCounts(ONE, each);
  const between = [
    [0, 0],
    [1, 0],
    [1, 1],
  ].map((chosen) => countOptions(ONE, Uint8Array.from(chosen)));
  expect(between.map((each) => counts(...each))).toEqual([40, 65, 72]);
  const only = matrixOf([
    [100, 50, 50],
    [90, 80, 80],
  ]);
  expect(filled([only], [[0, 0]], 24)).toEqual([[0, 0]]);
  expect(filled([only], [[0, 0]], 25)).toEqual([[1, 0]]);
  expect(filled([only], [[0, 0]], 31)).toEqual([[1, 0]]);
  expect(filled([only], [[0, 0]], 32)).toEqual([[1, 1]]);
});

it('takes the first by matrix and column among equals', () => {
  const even = matrixOf([
    [100, 50, 50],
    [100, 50, 50],
    [0, 0, 0],
  ]);
  expect(
    filled(
      [even, even],
      [
        [0, 0, 1],
        [0, 0, 1],
      ],
      16,
    ),
  ).toEqual([
    [1, 0, 1],
    [0, 0, 1],
  ]);
  expect(
    filled(
      [even, even],
      [
        [0, 1, 1],
        [0, 0, 1],
      ],
      7 + 15,
    ),
  ).toEqual([
    [1, 1, 1],
    [0, 0, 1],
  ]);
});

it('takes what saves bytes and loses less at any budget', () => {
  // A column alone at a wide width, which serves it worse.
  const odd = matrixOf([
    [9, 9, 9],
    [1, 5, 5],
  ]);
  expect(filled([odd], [[0, 2]], 0)).toEqual([[0, 0]]);
});
