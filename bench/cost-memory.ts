/** What a quantization run holds at its peak, in bytes, foretold from a model's description: on TensorFlow, without evaluation. */
import { calibrationBytes } from '../main/engine/calibration-pass.ts';
import { stretchBlocks } from '../main/engine/claq/device-updates.ts';
import { runsThatFit } from '../main/engine/claq/kernel-memory.ts';
import { BLOCK, STRIP, roundUp } from '../main/engine/kernels/layout.ts';
import { BatchSizes } from '../main/engine/transformer/batch-sizes.ts';
import { packedBytes, columnClasses, totalBytes } from '../shared/bits.ts';
import { type Budget, type ColumnPlan, planByOrder } from '../shared/budget.ts';
import {
  MATRIX_GROUPS,
  MATRIX_KINDS,
  type MatrixGroup,
  type MatrixShape,
  type ModelDescription,
  matrixShape,
  quantizedWeights,
} from '../shared/model.ts';
import type { Calibration } from './cost-model.ts';

const FLOAT_BYTES = 4;
const HALF_BYTES = 2;

/** A thread's scratch for a column (assembly/codebook-scratch.ts): 28 bytes a row and the columns of a sub-block twice. */
const SCRATCH_BYTES_A_ROW = 28 + 12 * 8;
/** And its tables, somewhat less than this. */
const SCRATCH_BYTES = 2 ** 20;
/** Weights that are copied into the kernels' memory at a time (column-loop.ts). */
const COPIED_BYTES = 32 * 2 ** 20;

/** Of a process that has loaded TensorFlow and waits: program, libraries, threads. */
const IDLE_PROCESS = 0.6e9;

/**
 * Matrices of columns x columns on the device when the bands of a Hessian are put together: the bands themselves, half of a
 * matrix; what is cut off for the mirror and turned, half each; rows and the whole.
 */
const PRODUCT_MATRICES = 3.5;

export interface MemoryNeeds {
  /** Hidden states and the widest inputs of a group, of all segments: in host memory, or on the disk where it is short. */
  readonly activations: number;
  /** The kernels' memory at its peak; it cannot be more than ARENA_BYTES (kernels/arena.ts). */
  readonly kernels: number;
  /** The group that it is then at. */
  readonly largestGroup: MatrixGroup;
  /** Host memory beside activations and kernels: the process, a group's weights and codes. */
  readonly otherHost: number;
  readonly device: number;
  /** The packed matrices. */
  readonly packed: number;
  /** The dense export, in half precision. */
  readonly dense: number;
}

export interface MemoryQuestion {
  readonly model: ModelDescription;
  readonly calibration: Calibration;
  readonly budget: Budget;
  /** Kernel threads. */
  readonly threads: number;
}

export function predictMemory(question: MemoryQuestion): MemoryNeeds {
  const { model, calibration } = question;
  const segments = Array.from({ length: calibration.segments }, () => new Int32Array(calibration.tokens));
  const kernels = MATRIX_GROUPS.map((group) => ({ group, bytes: kernelBytes(group, question) }));
  const largest = kernels.reduce((most, each) => (each.bytes > most.bytes ? each : most));
  return {
    activations: calibrationBytes(model, segments),
    kernels: largest.bytes,
    largestGroup: largest.group,
    otherHost: IDLE_PROCESS + Math.max(...MATRIX_GROUPS.map((group) => hostBytes(group, model))),
    device: deviceBytes(question),
    packed:
      model.blocks *
      MATRIX_KINDS.reduce((sum, kind) => {
        const shape = matrixShape(model, kind);
        const classes = columnClasses(planOf(shape.rows, shape.columns, question.budget));
        return sum + totalBytes(packedBytes(shape, classes));
      }, 0),
    dense: modelBytes(model),
  };
}

/** Bytes of a model's weights in half precision. */
export function modelBytes(model: ModelDescription): number {
  const tables = model.tiedEmbeddings ? 1 : 2;
  const norms = model.hiddenSize * (2 * model.blocks + 1);
  return HALF_BYTES * (quantizedWeights(model) + tables * model.vocabSize * model.hiddenSize + norms);
}

/** Under any order: the sizes are the same. */
function planOf(rows: number, columns: number, budget: Budget): ColumnPlan {
  return planByOrder(
    Int32Array.from({ length: columns }, (_, column) => column),
    rows,
    budget,
  );
}

/** Peak of the kernels' memory while a group is quantized: in planning, or in the loop of as many matrices as fit. */
export function kernelBytes(group: MatrixGroup, { model, budget, threads }: MemoryQuestion): number {
  const shapes = group.map((kind) => matrixShape(model, kind));
  const { columns } = matrixShape(model, group[0]);
  const mostRows = Math.max(...shapes.map(({ rows }) => rows));
  const scratch = threads * (SCRATCH_BYTES + SCRATCH_BYTES_A_ROW * mostRows);
  const planning = FLOAT_BYTES * mostRows * columns;
  const loops = runsThatFit(shapes, { home: 'device', columns }).map((run) =>
    loopBytes(run, columns, budget),
  );
  return scratch + Math.max(planning, ...loops);
}

/** Matrices side by side in the column loop. */
function loopBytes(shapes: readonly MatrixShape[], columns: number, budget: Budget): number {
  const padded = roundUp(columns, BLOCK);
  const jobs = shapes.reduce((sum, { rows }) => {
    const paddedRows = roundUp(rows, STRIP);
    const { reservedLow, reservedHigh, widths } = planOf(rows, columns, budget);
    const reserved = reservedLow.reduce((all, low, column) => all + low + (reservedHigh[column] ?? 0), 0);
    const centroids = widths.reduce((all, width) => all + 2 ** width, 0);
    // Original and error; a byte a code; rows and values of what is reserved.
    const weights = 2 * FLOAT_BYTES * paddedRows * padded + paddedRows * columns;
    return sum + weights + 2 * FLOAT_BYTES * reserved + FLOAT_BYTES * centroids;
  }, 0);
  const rows = shapes.reduce((sum, shape) => sum + shape.rows, 0);
  // Each stretch's part of U, and room for the errors of one where there are several.
  const stretch = Math.min(padded, stretchBlocks(rows, columns) * BLOCK);
  const stretches = FLOAT_BYTES * stretch * (padded + (stretch < padded ? rows : 0));
  return jobs + Math.max(COPIED_BYTES, stretches);
}

/** A group's weights as they came from the device, its codes, and one matrix of it dequantized. */
function hostBytes(group: MatrixGroup, model: ModelDescription): number {
  const weights = group.map((kind) => {
    const { rows, columns } = matrixShape(model, kind);
    return rows * columns;
  });
  const all = weights.reduce((sum, each) => sum + each, 0);
  return all * (FLOAT_BYTES + 1) + FLOAT_BYTES * Math.max(...weights);
}

/**
 * Peak on the device: one block's weights in float32, and the largest of a segment in attention, a segment in the feed-forward
 * network, and for each group its Hessian, its factorization, its column loop. Upper bounds of what stands at a time; an
 * allocator that leaves gaps takes more.
 */
function deviceBytes({ model, calibration: { tokens } }: MemoryQuestion): number {
  const { hiddenSize, ffnSize, heads, kvHeads, headDim } = model;
  const values = (count: number): number => FLOAT_BYTES * count;
  const block = values(quantizedWeights(model) / model.blocks);
  // Scores of a chunk, with the mask added, and as shares.
  const scores = 3 * heads * new BatchSizes(tokens).queries * Math.min(tokens, model.slidingWindow ?? tokens);
  // Projections, heads first, halves, rotated, scaled, mixed.
  const attention = tokens * (2 * hiddenSize + 6 * (heads + 2 * kvHeads) * headDim) + scores;
  const ffn = tokens * (2 * hiddenSize + 5 * ffnSize);
  const ofGroups = MATRIX_GROUPS.map((group) => {
    const { columns } = matrixShape(model, group[0]);
    const rows = group.reduce((sum, kind) => sum + matrixShape(model, kind).rows, 0);
    // Bands with one that is replaced, and inputs with the two parts that a band multiplies.
    const hessian = columns ** 2 + 3 * tokens * columns;
    // U, the errors before and after a stretch's are put behind them, and U's part for the next stretch.
    const padded = roundUp(columns, BLOCK);
    const stretch = stretchBlocks(rows, columns) * BLOCK;
    const loop = padded ** 2 + (stretch < padded ? 2 * rows * padded : 0) + stretch * padded;
    return Math.max(hessian, PRODUCT_MATRICES * columns ** 2, loop);
  });
  return block + values(Math.max(attention, ffn, ...ofGroups));
}
