/** What a run holds at its peak, in bytes, from a model's description. Upper bounds of what stands at a time. */
import { plannedClasses } from '../../../shared/bits.ts';
import type { EngineName } from '../../../shared/engine.ts';
import { type ModelBudget, budgetsOfKind } from '../../../shared/model-budget.ts';
import {
  MATRIX_GROUPS,
  type MatrixGroup,
  type MatrixKind,
  type MatrixShape,
  type ModelDescription,
  matrixShape,
  quantizedWeights,
} from '../../../shared/model.ts';
import { type PlusChoices, followsOriginal, hasTechnique, takesGradients } from '../../../shared/plus.ts';
import type { TokenRuns } from '../../../shared/run-work.ts';
import { calibrationBytes, evaluationBytes } from '../../engine/activation-bytes.ts';
import type { HessianFactor } from '../../engine/claq/factor.ts';
import { runsThatFit } from '../../engine/claq/kernel-memory.ts';
import { stretchBlocks } from '../../engine/claq/stretch-blocks.ts';
import { BLOCK, STRIP, roundUp } from '../../engine/kernels/layout.ts';
import { GRADIENT_TOKENS, segmentsOf } from '../../engine/plan-model.ts';
import { sensitivityBytes } from '../../engine/sensitivity/measure-sensitivity.ts';
import { BatchSizes } from '../../engine/transformer/batch-sizes.ts';

const FLOAT_BYTES = 4;

/** A thread's scratch for a column (assembly/codebook-scratch.ts): 46 bytes a row and the columns of a sub-block twice. */
const SCRATCH_BYTES_A_ROW = 46 + 12 * 8;
/** And its tables, somewhat less than this. */
const SCRATCH_BYTES = 2 ** 20;
/** Weights that are copied into the kernels' memory at a time (column-loop.ts). */
const COPIED_BYTES = 32 * 2 ** 20;
/** Values of a chunk of the head, or of the logits it makes (head.ts). */
const HEAD_CHUNK_VALUES = 8 * 2 ** 20;

/**
 * Matrices of columns x columns on the device when the bands of a Hessian are put together: the bands themselves, half of a
 * matrix; what is cut off for the mirror and turned, half each; rows and the whole.
 */
const PRODUCT_MATRICES = 3.5;

export interface MemoryQuestion {
  readonly model: ModelDescription;
  readonly segments: TokenRuns;
  /** Of the evaluation; a count of 0 for none. */
  readonly windows: TokenRuns;
  readonly budget: ModelBudget;
  /** Kernel threads. */
  readonly threads: number;
  readonly engine: EngineName;
  /** Of claq-plus: the original's activations beside the quantized model's, and the streams that gradients need. */
  readonly plus?: PlusChoices | undefined;
}

interface NamedBytes {
  readonly name: string;
  readonly bytes: number;
}

export interface MemoryNeeds {
  /** Hidden states of all segments and windows, and a group's widest inputs: in host memory, or on the disk where it is short. */
  readonly activations: number;
  /** The kernels' memory at its peak; it cannot be more than ARENA_BYTES (kernels/arena.ts). */
  readonly kernels: number;
  /** The group that it is then at. */
  readonly largestGroup: MatrixGroup;
  /** A group's weights as they came from the device, its codes, and one matrix of it dequantized. */
  readonly groupWeights: number;
  /** Of the tensor operations, on a card or, without one, in host memory too. */
  readonly device: DeviceNeeds;
}

export interface DeviceNeeds {
  /** One block's weights in float32. */
  readonly block: number;
  /** The step that takes most beside them; an allocator that leaves gaps takes more. */
  readonly step: NamedBytes;
}

export function memoryNeeds(question: MemoryQuestion): MemoryNeeds {
  const { model } = question;
  const kernels = MATRIX_GROUPS.map((group) => ({ group, bytes: kernelBytes(group, question) }));
  const largest = kernels.reduce((most, each) => (each.bytes > most.bytes ? each : most));
  return {
    activations: activationBytes(question),
    kernels: largest.bytes,
    largestGroup: largest.group,
    groupWeights: Math.max(...MATRIX_GROUPS.map((group) => groupWeightBytes(group, model))),
    device: deviceNeeds(question),
  };
}

/** Of the run itself, or of the gradients before it. */
function activationBytes({ model, segments, windows, plus }: MemoryQuestion): number {
  const tokens = segments.count * segments.length;
  const streams = plus !== undefined && followsOriginal(plus) ? 2 : 1;
  const run =
    streams * calibrationBytes(model, tokens) + evaluationBytes(model, windows.count * windows.length);
  if (plus === undefined || !takesGradients(plus)) return run;
  return Math.max(run, sensitivityBytes(model, segmentsOf(GRADIENT_TOKENS, segments) * segments.length));
}

/** Where Hessians and their factors stand (accumulate-hessian.ts). */
export function homeOn(engine: EngineName): HessianFactor['home'] {
  return engine === 'wasm' ? 'kernels' : 'device';
}

/** Peak of the kernels' memory while a group is quantized: in factoring, planning, or the loop of as many matrices as fit. */
export function kernelBytes(group: MatrixGroup, question: MemoryQuestion): number {
  const { model, threads, engine } = question;
  const shapes = group.map((kind) => ({ ...matrixShape(model, kind), kind }));
  const { columns } = matrixShape(model, group[0]);
  const home = homeOn(engine);
  const mostRows = Math.max(...shapes.map(({ rows }) => rows));
  const scratch = threads * (SCRATCH_BYTES + SCRATCH_BYTES_A_ROW * mostRows);
  const planning = FLOAT_BYTES * mostRows * columns;
  const loops = runsThatFit(shapes, { home, columns }).map((run) => loopBytes(run, columns, question, home));
  // The Hessian and its factor; while it is factored, the panels beside them.
  const square = home === 'kernels' ? FLOAT_BYTES * roundUp(columns, BLOCK) ** 2 : 0;
  return Math.max(3 * square, 2 * square + scratch + Math.max(planning, ...loops));
}

/** Matrices side by side in the column loop. */
function loopBytes(
  matrices: readonly (MatrixShape & { readonly kind: MatrixKind })[],
  columns: number,
  question: MemoryQuestion,
  home: HessianFactor['home'],
): number {
  const padded = roundUp(columns, BLOCK);
  const jobs = matrices.reduce((sum, { rows, kind }) => {
    const paddedRows = roundUp(rows, STRIP);
    // Original and error; a byte a code.
    const weights = 2 * FLOAT_BYTES * paddedRows * padded + paddedRows * columns;
    return sum + weights + columnBytes(kind, question);
  }, 0);
  const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, 0);
  // Sweeps hand all errors over at once there.
  const swept = question.plus !== undefined && hasTechnique(question.plus, 'sweeps');
  if (home === 'kernels') return jobs + Math.max(COPIED_BYTES, swept ? FLOAT_BYTES * padded * rows : 0);
  // Each stretch's part of U, and room for the errors of two and a correction where there are several.
  const stretch = Math.min(padded, stretchBlocks(rows, columns) * BLOCK);
  const stretches = FLOAT_BYTES * stretch * (padded + (stretch < padded ? 3 : 1) * rows);
  return jobs + Math.max(COPIED_BYTES, stretches);
}

/** Rows and values of what is reserved, and centroids, of a matrix of the kind; of the block where it is most. */
function columnBytes(kind: MatrixKind, { model, budget }: MemoryQuestion): number {
  const shape = matrixShape(model, kind);
  const each = [...budgetsOfKind(budget, kind, model.blocks).keys()].map((own) =>
    plannedClasses(shape, own).reduce(
      (sum, { width, reserved, columns }) => sum + columns * FLOAT_BYTES * (2 * reserved + 2 ** width),
      0,
    ),
  );
  return Math.max(...each);
}

function groupWeightBytes(group: MatrixGroup, model: ModelDescription): number {
  const weights = group.map((kind) => {
    const { rows, columns } = matrixShape(model, kind);
    return rows * columns;
  });
  const all = weights.reduce((sum, each) => sum + each, 0);
  return all * (FLOAT_BYTES + 1) + FLOAT_BYTES * Math.max(...weights);
}

/** Peak of the tensor operations: one block's weights, and the largest of the steps that a segment or a group goes through. */
export function deviceNeeds({
  model,
  segments,
  windows,
  engine,
  plus,
}: Pick<MemoryQuestion, 'model' | 'segments' | 'windows' | 'engine' | 'plus'>): DeviceNeeds {
  const { hiddenSize, ffnSize, heads, kvHeads, headDim } = model;
  const tokens = Math.max(segments.length, windows.count === 0 ? 0 : windows.length);
  // Scores of a chunk, with the mask added, and as shares; where the kernels do attention there are none on the device.
  const scores =
    engine === 'tensorflow-gpu'
      ? 3 * heads * new BatchSizes(tokens).queries * Math.min(tokens, model.slidingWindow ?? tokens)
      : 0;
  // Projections, heads first, halves, rotated, scaled, mixed.
  const attention = tokens * (2 * hiddenSize + 6 * (heads + 2 * kvHeads) * headDim) + scores;
  const ffn = tokens * (2 * hiddenSize + 5 * ffnSize);
  // Rows of the head; logits, less their largest, exponentials.
  const chunk = (values: number): number => Math.min(values, HEAD_CHUNK_VALUES);
  const head =
    tokens * 2 * hiddenSize + chunk(model.vocabSize * hiddenSize) + 3 * chunk(model.vocabSize * tokens);
  const steps = [
    { name: 'attention', values: attention },
    { name: 'the feed-forward network', values: ffn },
    { name: 'the logits of the evaluation', values: windows.count === 0 ? 0 : head },
    ...(homeOn(engine) === 'kernels' ? [] : groupSteps(model, segments.length, plus)),
  ];
  const most = steps.reduce((largest, each) => (each.values > largest.values ? each : largest));
  return {
    block: FLOAT_BYTES * (quantizedWeights(model) / model.blocks),
    step: { name: most.name, bytes: FLOAT_BYTES * most.values },
  };
}

/** Where Hessians are factored on the device. */
function groupSteps(
  model: ModelDescription,
  tokens: number,
  plus: PlusChoices | undefined,
): { name: string; values: number }[] {
  const follows = plus !== undefined && followsOriginal(plus);
  const sweeps = plus !== undefined && hasTechnique(plus, 'sweeps');
  return MATRIX_GROUPS.flatMap((group) => {
    const { columns } = matrixShape(model, group[0]);
    const rows = group.reduce((sum, kind) => sum + matrixShape(model, kind).rows, 0);
    const padded = roundUp(columns, BLOCK);
    const stretch = stretchBlocks(rows, columns) * BLOCK;
    const names = group.join(', ');
    const writesToStream = group[0] === 'o' || group[0] === 'down';
    const drift = follows ? columns * (writesToStream ? rows : columns) : 0;
    // The Hessian undamped, until its couplings are made of it.
    const whole = sweeps ? columns ** 2 : 0;
    return [
      // Bands with one that is replaced, and inputs with the two parts that a band multiplies.
      { name: `the Hessian of ${names}`, values: columns ** 2 + 3 * tokens * columns },
      // The Hessian's bands; a sum, a product and their sum; both models' inputs and streams, and what they differ by.
      {
        name: `the drift of ${names}`,
        values: follows
          ? columns ** 2 / 2 + 3 * drift + tokens * (3 * columns + (writesToStream ? 4 * rows : 0))
          : 0,
      },
      { name: `the factorization of ${names}`, values: PRODUCT_MATRICES * columns ** 2 + drift + whole },
      // U, and the couplings in strips and in one piece.
      { name: `the couplings of ${names}`, values: sweeps ? 3 * padded ** 2 + drift + whole : 0 },
      {
        // U, the errors, two stretches of them before they are put together, a correction in parts, and U's part for a stretch.
        name: `the columns of ${names}`,
        values:
          padded ** 2 + (stretch < padded ? rows * (padded + 5 * stretch) : 0) + stretch * padded + drift,
      },
      {
        // U and the couplings, the errors and two more of their size, and a stretch's part.
        name: `the sweeps of ${names}`,
        values: sweeps ? 2 * padded ** 2 + 3 * rows * padded + stretch * padded + drift : 0,
      },
    ];
  });
}
