/**
 * What a budget comes to for a model, from shapes alone, so fast that it can follow a slider: columns are counted by class, a
 * matrix kind and budget at a time, never one by one.
 */
import { type ColumnClass, HALF_BYTES, plannedClasses, storedBits, totalBytes } from './bits.ts';
import type { Budget } from './budget.ts';
import { budgetParts } from './budget-presets.ts';
import type { ColumnOrder } from './method.ts';
import {
  type KeptTensors,
  assumedKept,
  cacheBytes,
  keptParameters,
  largestMatrixBytes,
  packedModelBytes,
} from './model-bytes.ts';
import { type ModelBudget, budgetsOfKind, describeModelBudget } from './model-budget.ts';
import {
  MATRIX_KINDS,
  type MatrixKind,
  type ModelDescription,
  matrixShape,
  quantizedWeights,
} from './model.ts';
import {
  type PlannedForm,
  countTailsOf,
  packedArrays,
  plannedMatrixBytes,
  plannedNominalBits,
} from './planned-bytes.ts';
import { hasTechnique } from './plus.ts';
import { requestedModelBudget } from './requested-model-budget.ts';
import { type BudgetChoices, DEFAULT_COLUMN_ORDER } from './requests.ts';

/** Cards that people have, in GB of 10^9 bytes: the seven hundredths of a card beyond them are the driver's and the screen's. */
export const CARD_GIGABYTES = [8, 12, 16, 24] as const;
/** Tokens that memory is said for; the model's own context where that is shorter. */
export const PREVIEWED_CONTEXT = 4096;

/** Matrices of one kind with one budget: all of them come to the same. */
export interface MatricesPreview {
  readonly kind: MatrixKind;
  readonly blocks: readonly number[];
  readonly budget: Budget;
  readonly rows: number;
  readonly columns: number;
  readonly classes: readonly ColumnClass[];
  /** Of each of the matrices. */
  readonly bytes: number;
  readonly storedBits: number;
}

export interface BudgetPreview {
  readonly budget: ModelBudget;
  /** `2.12 (AP 2.05 of {2,4} + OR 0.07), 2 overrides` */
  readonly label: string;
  readonly order: ColumnOrder;
  /**
   * Whether bytes, widths and reserved entries are what a run will write, to the byte. The choice by benefit and an allocation write
   * at most these bytes, and their widths and reserved entries are their own; `upper bound` then.
   */
  readonly certainty: 'exact' | 'upper bound';
  readonly nominalBits: number;
  readonly storedBits: number;
  /** Of all matrices. */
  readonly packedBytes: number;
  /** Weights in them. */
  readonly weights: number;
  readonly matrices: readonly MatricesPreview[];
  /** Columns at each width that there is, ascending, and their share of all. */
  readonly widths: readonly { readonly width: number; readonly columns: number; readonly share: number }[];
  readonly reserved: { readonly entries: number; readonly share: number };
  /** The model in half precision: its matrices and the rest. */
  readonly halfBytes: number;
  /** What is not quantized, in the dtype that it has. */
  readonly keptBytes: number;
  /** Of a packed export's tensors, its checksums included. As certain as the matrices, where what is kept is as it was told. */
  readonly packedModelBytes: number;
  readonly memory: MemoryPreview;
}

/** What generating text holds: everything above, the cache of a context, and one matrix decoded at a time. */
export interface MemoryPreview {
  readonly tokens: number;
  readonly cacheBytes: number;
  readonly decodedBytes: number;
  readonly total: number;
  readonly cards: readonly { readonly gigabytes: number; readonly fits: boolean }[];
}

/**
 * @param dtype of what is not quantized, as safetensors names it; an unknown one counts as half precision
 * @param stored what is not quantized as the model's files have it, where they are known: by default what the description asks for,
 * in this dtype, in one file
 * @param form how a run of another method writes its matrices
 * Throws ClaqError budget/out-of-range, budget/cannot-be-met, budget/contradiction.
 */
export function previewBudget(
  model: ModelDescription,
  dtype: string,
  choices: Pick<BudgetChoices, 'budget' | 'overrides' | 'columnOrder'>,
  stored?: KeptTensors,
  form: PlannedForm = { method: 'claq' },
): BudgetPreview {
  const budget = requestedModelBudget(choices, model.blocks);
  const order = choices.columnOrder ?? DEFAULT_COLUMN_ORDER;
  const matrices = previewMatrices(model, budget, form);
  const packed = matrices.reduce((sum, { blocks, bytes }) => sum + blocks.length * bytes, 0);
  const weights = quantizedWeights(model);
  const kept = stored ?? assumedKept(model, dtype);
  const alike = matrices.every((each) => budgetParts(each.budget) === 'single');
  const isAllocated = form.plus !== undefined && hasTechnique(form.plus, 'allocation');
  return {
    budget,
    label: describeModelBudget(budget),
    order,
    certainty: !isAllocated && (order === 'outlier' || alike) ? 'exact' : 'upper bound',
    nominalBits: plannedNominalBits(model, budget),
    storedBits: storedBits(packed, weights),
    packedBytes: packed,
    weights,
    matrices,
    ...columnsPreview(matrices, weights),
    halfBytes: HALF_BYTES * (weights + keptParameters(model)),
    keptBytes: kept.bytes,
    packedModelBytes: packedModelBytes(packed, packedArrays(model, form), kept),
    memory: previewMemory(model, packed + kept.bytes),
  };
}

function previewMatrices(model: ModelDescription, budget: ModelBudget, form: PlannedForm): MatricesPreview[] {
  return MATRIX_KINDS.flatMap((kind) => {
    const shape = matrixShape(model, kind);
    return [...budgetsOfKind(budget, kind, model.blocks)].map(([own, blocks]) => {
      const classes = plannedClasses(shape, own, countTailsOf(form));
      const bytes = totalBytes(plannedMatrixBytes(shape, own, form));
      const bits = storedBits(bytes, shape.rows * shape.columns);
      return { kind, blocks, budget: own, ...shape, classes, bytes, storedBits: bits };
    });
  });
}

function columnsPreview(
  matrices: readonly MatricesPreview[],
  weights: number,
): Pick<BudgetPreview, 'widths' | 'reserved'> {
  const counts = new Map<number, number>();
  let entries = 0;
  let all = 0;
  for (const { blocks, classes } of matrices) {
    for (const { width, reserved, columns } of classes) {
      const here = blocks.length * columns;
      counts.set(width, (counts.get(width) ?? 0) + here);
      entries += here * reserved;
      all += here;
    }
  }
  const widths = [...counts].sort(([a], [b]) => a - b);
  return {
    widths: widths.map(([width, columns]) => ({ width, columns, share: columns / all })),
    reserved: { entries, share: entries / weights },
  };
}

/** @param loaded bytes of the whole model */
function previewMemory(model: ModelDescription, loaded: number): MemoryPreview {
  const tokens = Math.min(PREVIEWED_CONTEXT, model.contextLength);
  const cache = cacheBytes(model, tokens);
  const decoded = largestMatrixBytes(model);
  const total = loaded + cache + decoded;
  return {
    tokens,
    cacheBytes: cache,
    decodedBytes: decoded,
    total,
    cards: CARD_GIGABYTES.map((gigabytes) => ({ gigabytes, fits: total <= gigabytes * 1e9 })),
  };
}
