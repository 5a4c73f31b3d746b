/** What the form of a new run holds, and how it becomes a request. A field that is left empty is decided by the program. */
import type { DenseDtypeName } from '../../shared/exports.ts';
import { PAPER_BITS } from '../../shared/budget-presets.ts';
import { MAX_WIDTH, MIN_WIDTH } from '../../shared/budget.ts';
import type { EngineChoice, ForwardPrecision } from '../../shared/engine.ts';
import { type CodebookFit, type ColumnOrder, type Method, hasUniformGrid } from '../../shared/method.ts';
import type { ModelDescription } from '../../shared/model.ts';
import { DEFAULT_OUTLIER_S } from '../../shared/outlier-order.ts';
import type { PlannedForm } from '../../shared/planned-bytes.ts';
import { DEFAULT_SWEEPS, PLUS_TECHNIQUES, type PlusTechnique, followsOriginal } from '../../shared/plus.ts';
import {
  type BudgetChoices,
  type BudgetOverrideRequest,
  type BudgetRequest,
  DEFAULT_BITS,
  DEFAULT_PERCDAMP,
  DEFAULT_SEGMENTS,
  DEFAULT_SEGMENT_LENGTH,
  DEFAULT_WINDOWS,
  type QuantizeChoices,
  type QuantizeChoicesRequest,
} from '../../shared/requests.ts';

/** Null is an empty field; for a choice from a list it is "decided by the program", or by the settings. */
export interface RunForm {
  method: Method;
  budget: BudgetRequest;
  /** Other budgets of some matrices. */
  overrides: readonly BudgetOverrideRequest[];
  /** Empty for the text that the settings name, else the bundled one. */
  calibrationText: string;
  segments: number | null;
  segmentLength: number | null;
  joinDocuments: boolean;
  seed: number | null;
  evaluationText: string;
  windows: number | null;
  contextLength: number | null;
  outlierS: number | null;
  columnOrder: ColumnOrder | null;
  codebookFit: CodebookFit | null;
  groupSize: number | null;
  /** Of CLAQ+. A strength of null is chosen by held-out segments. */
  techniques: readonly PlusTechnique[];
  strength: number | null;
  sweeps: number | null;
  /** What an allocation spends on all matrices, of a run that is made once more; null for what the budget comes to. */
  bytes: number | null;
  percdamp: number | null;
  actOrder: boolean;
  engine: EngineChoice | null;
  forwardPrecision: ForwardPrecision | null;
  threads: number | null;
  hostMemory: number | null;
  deviceActivations: number | null;
  exportDtype: DenseDtypeName | null;
}

/** Widths that a uniform grid can have. */
export const WHOLE_BITS: readonly number[] = Array.from(
  { length: MAX_WIDTH - MIN_WIDTH + 1 },
  (_, index) => MIN_WIDTH + index,
);

export function presetBits(method: Method): readonly number[] {
  return hasUniformGrid(method) ? WHOLE_BITS.filter((bits) => bits >= 2 && bits <= 4) : PAPER_BITS;
}

/** The form's part for another method: a uniform grid has a whole width for all columns. */
export function withMethod({ budget }: RunForm, method: Method): Pick<RunForm, 'method' | 'budget'> {
  if (!hasUniformGrid(method)) return { method, budget };
  return {
    method,
    budget: isWholeWidth(budget) ? budget : { bits: Math.floor(budget.bits ?? DEFAULT_BITS) },
  };
}

/** The form's part for another budget; a uniform grid that cannot have it gives way. */
export function withBudget(
  { method }: RunForm,
  { budget, overrides, outlierS, columnOrder }: BudgetChoices,
): Pick<RunForm, 'method' | 'budget' | 'overrides' | 'outlierS' | 'columnOrder' | 'bytes'> {
  const isForGrid = [budget, ...overrides.map((override) => override.budget)].every(isWholeWidth);
  return {
    method: hasUniformGrid(method) && !isForGrid ? 'claq' : method,
    budget,
    overrides,
    outlierS,
    columnOrder: columnOrder ?? null,
    bytes: null,
  };
}

/** What the form says about bits, and about which columns get them. */
export function budgetOfForm({ method, budget, overrides, outlierS, columnOrder }: RunForm): BudgetChoices {
  const order = columnOrder ?? (method === 'reference' ? 'outlier' : undefined);
  return {
    budget,
    overrides: [...overrides],
    outlierS: outlierS ?? DEFAULT_OUTLIER_S,
    ...(order === undefined ? {} : { columnOrder: order }),
  };
}

/** How the run that is asked for writes its matrices. */
export function plannedFormOf({ method, groupSize, techniques }: RunForm): PlannedForm {
  return {
    method,
    groupSize: hasUniformGrid(method) ? (groupSize ?? undefined) : undefined,
    plus: method === 'claq-plus' ? { techniques: [...techniques] } : undefined,
  };
}

function isWholeWidth({ bits, ...parts }: BudgetRequest): boolean {
  return Number.isInteger(bits) && Object.keys(parts).length === 0;
}

/** Choices about the machine, as the settings make them. */
export const LEFT_TO_SETTINGS = {
  engine: null,
  forwardPrecision: null,
  threads: null,
  hostMemory: null,
  deviceActivations: null,
} as const satisfies Partial<RunForm>;

export function emptyForm(): RunForm {
  return {
    method: 'claq',
    budget: { bits: DEFAULT_BITS },
    overrides: [],
    calibrationText: '',
    segments: DEFAULT_SEGMENTS,
    segmentLength: null,
    joinDocuments: false,
    seed: 0,
    evaluationText: '',
    windows: DEFAULT_WINDOWS,
    contextLength: null,
    outlierS: DEFAULT_OUTLIER_S,
    columnOrder: null,
    codebookFit: null,
    groupSize: null,
    techniques: PLUS_TECHNIQUES,
    strength: null,
    sweeps: DEFAULT_SWEEPS,
    bytes: null,
    percdamp: DEFAULT_PERCDAMP,
    actOrder: true,
    ...LEFT_TO_SETTINGS,
    exportDtype: null,
  };
}

/** The form that makes these choices again. */
export function formOfChoices(choices: QuantizeChoices): RunForm {
  const { calibration, evaluation } = choices;
  return {
    method: choices.method,
    budget: Object.keys(choices.budget).length === 0 ? { bits: DEFAULT_BITS } : { ...choices.budget },
    overrides: choices.overrides,
    calibrationText: calibration.source ?? '',
    segments: calibration.segments,
    segmentLength: calibration.segmentLength ?? null,
    joinDocuments: calibration.joinDocuments,
    seed: calibration.seed,
    evaluationText: evaluation.source ?? '',
    windows: evaluation.windows,
    contextLength: evaluation.contextLength ?? null,
    outlierS: choices.outlierS,
    columnOrder: choices.columnOrder ?? null,
    codebookFit: choices.codebookFit ?? null,
    groupSize: choices.groupSize ?? null,
    techniques: choices.plus?.techniques ?? PLUS_TECHNIQUES,
    strength: choices.plus === undefined || choices.plus.strength === 'auto' ? null : choices.plus.strength,
    sweeps: choices.plus?.sweeps ?? DEFAULT_SWEEPS,
    bytes: choices.plus?.bytes ?? null,
    percdamp: choices.percdamp,
    actOrder: choices.actOrder,
    engine: choices.engine ?? null,
    forwardPrecision: choices.forwardPrecision ?? null,
    threads: choices.threads ?? null,
    hostMemory: choices.hostMemory ?? null,
    deviceActivations: choices.deviceActivations ?? null,
    exportDtype: choices.exportDtype ?? null,
  };
}

/** What the form asks for. Choices that do not go with the method are left out: they stay in the form for another method. */
export function choicesOfForm(form: RunForm): QuantizeChoicesRequest {
  const grid = hasUniformGrid(form.method);
  return {
    method: form.method,
    budget: form.budget,
    overrides: grid ? form.overrides.filter(({ budget }) => isWholeWidth(budget)) : [...form.overrides],
    outlierS: form.outlierS ?? undefined,
    columnOrder: orderOfForm(form),
    codebookFit: grid || form.method === 'claq-plus' ? undefined : (form.codebookFit ?? undefined),
    groupSize: grid ? (form.groupSize ?? undefined) : undefined,
    plus: form.method === 'claq-plus' ? plusOfForm(form) : undefined,
    percdamp: form.percdamp ?? undefined,
    actOrder: form.actOrder,
    calibration: {
      source: filled(form.calibrationText),
      segments: form.segments ?? undefined,
      segmentLength: form.segmentLength ?? undefined,
      seed: form.seed ?? undefined,
      joinDocuments: form.joinDocuments,
    },
    evaluation: {
      source: filled(form.evaluationText),
      windows: form.windows ?? undefined,
      contextLength: form.contextLength ?? undefined,
    },
    threads: form.threads ?? undefined,
    hostMemory: form.hostMemory ?? undefined,
    deviceActivations: form.deviceActivations ?? undefined,
    engine: form.engine ?? undefined,
    forwardPrecision: form.forwardPrecision ?? undefined,
    exportDtype: form.exportDtype ?? undefined,
  };
}

/** Undefined where the method has none, or not the one that the form has. */
function orderOfForm({ method, columnOrder, techniques }: RunForm): ColumnOrder | undefined {
  if (hasUniformGrid(method) || columnOrder === null) return undefined;
  if (method === 'reference' && columnOrder === 'benefit') return undefined;
  return method === 'claq-plus' && techniques.includes('allocation') ? undefined : columnOrder;
}

/** Without what belongs to techniques that are switched off: its fields are not shown. */
function plusOfForm({ techniques, strength, sweeps, bytes }: RunForm): QuantizeChoicesRequest['plus'] {
  return {
    techniques: [...techniques],
    strength: followsOriginal({ techniques }) ? (strength ?? 'auto') : 'auto',
    sweeps: techniques.includes('sweeps') ? (sweeps ?? undefined) : undefined,
    bytes: techniques.includes('allocation') ? (bytes ?? undefined) : undefined,
  };
}

function filled(text: string): string | undefined {
  const trimmed = text.trim();
  return trimmed === '' ? undefined : trimmed;
}

export interface CalibrationPreset {
  readonly label: string;
  readonly hint: string;
  readonly segments: number;
  readonly segmentLength: number;
  readonly windows: number;
}

/** Segments and windows of a quick look: minutes instead of hours, and losses that still tell good settings from bad. */
const QUICK = { segments: 8, segmentLength: 512, windows: 4 } as const;

/** A length is never above the model's context. */
export function calibrationPresets({ contextLength }: ModelDescription): readonly CalibrationPreset[] {
  const quick = Math.min(QUICK.segmentLength, contextLength);
  const full = Math.min(DEFAULT_SEGMENT_LENGTH, contextLength);
  return [
    {
      label: 'Quick look',
      hint: `${QUICK.segments} × ${quick} tokens: tells settings apart, not a result to keep`,
      ...QUICK,
      segmentLength: quick,
    },
    {
      label: 'As in the paper',
      hint: `${DEFAULT_SEGMENTS} × ${full} tokens`,
      segments: DEFAULT_SEGMENTS,
      segmentLength: full,
      windows: DEFAULT_WINDOWS,
    },
  ];
}

/** Whether the form has a preset's numbers; an empty length is the model's own. */
export function isPreset(form: RunForm, preset: CalibrationPreset, model: ModelDescription): boolean {
  const length = form.segmentLength ?? Math.min(DEFAULT_SEGMENT_LENGTH, model.contextLength);
  return (
    form.segments === preset.segments && length === preset.segmentLength && form.windows === preset.windows
  );
}
