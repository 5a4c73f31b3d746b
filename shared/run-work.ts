/**
 * How much there is to compute in a run, from a model's description alone. A fused multiply-add counts as two operations; norms,
 * rotations and sums, which are few beside the products, are not counted.
 */
import { MATRIX_GROUPS, type ModelDescription, matrixShape, quantizedWeights } from './model.ts';

const FLOAT_BYTES = 4;

/** Segments or windows, all of one length. */
export interface TokenRuns {
  readonly count: number;
  /** Tokens of each. */
  readonly length: number;
}

/** All segments through all blocks, each linear layer once. */
export function forwardFlops(model: ModelDescription, { count, length }: TokenRuns): number {
  const linear = 2 * length * quantizedWeights(model);
  // A score and its share of the mixture: a product of headDim each.
  const attention = 4 * model.headDim * model.heads * visiblePairs(model, length) * model.blocks;
  return count * (linear + attention);
}

/** Pairs of a query and a key that it sees in a segment of `length` tokens. */
function visiblePairs({ slidingWindow }: ModelDescription, length: number): number {
  const reach = Math.min(slidingWindow ?? length, length);
  return (reach * (reach + 1)) / 2 + (length - reach) * reach;
}

/** The logits of all tokens. */
export function headFlops({ vocabSize, hiddenSize }: ModelDescription, { count, length }: TokenRuns): number {
  return 2 * count * length * vocabSize * hiddenSize;
}

/** The lower triangles of X X^T of all groups. */
export function hessianFlops(model: ModelDescription, { count, length }: TokenRuns): number {
  return count * length * model.blocks * sumOverGroups(model, (columns) => columns ** 2);
}

/** H = U D U^T of all groups. */
export function factorFlops(model: ModelDescription): number {
  return model.blocks * sumOverGroups(model, (columns) => columns ** 3 / 3);
}

function sumOverGroups(model: ModelDescription, of: (columns: number) => number): number {
  return MATRIX_GROUPS.reduce((sum, [kind]) => sum + of(matrixShape(model, kind).columns), 0);
}

/** Bytes of activations between host memory and device. */
export interface MovedBytes {
  readonly up: number;
  readonly down: number;
}

/** @param staying share of the activations that stay on the device */
export function movedBeside({ up, down }: MovedBytes, staying: number): MovedBytes {
  return { up: up * (1 - staying), down: down * (1 - staying) };
}

/** What the calibration's forward pass moves: each group's stage takes its inputs up and brings the next ones down. */
export function forwardBytes(model: ModelDescription, { count, length }: TokenRuns): MovedBytes {
  const hidden = model.hiddenSize;
  const context = matrixShape(model, 'o').columns;
  const values = count * length * model.blocks;
  return {
    // Through q, k, v; through o; through gate and up; through down.
    up: FLOAT_BYTES * values * (hidden + (hidden + context) + hidden + (hidden + model.ffnSize)),
    down: FLOAT_BYTES * values * (context + hidden + model.ffnSize + hidden),
  };
}

/** What the Hessians' inputs add to that. */
export function hessianBytes(model: ModelDescription, { count, length }: TokenRuns): MovedBytes {
  const widths = 2 * model.hiddenSize + matrixShape(model, 'o').columns + model.ffnSize;
  return { up: FLOAT_BYTES * count * length * model.blocks * widths, down: 0 };
}

/** Windows of an evaluation go through each block whole. */
export function evaluationBytesMoved(model: ModelDescription, { count, length }: TokenRuns): MovedBytes {
  const bytes = FLOAT_BYTES * count * length * model.blocks * model.hiddenSize;
  return { up: bytes, down: bytes };
}
