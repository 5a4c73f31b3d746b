/** What the form of a new run holds, and how it becomes a request. A field that is left empty is decided by the program. */
import { MAX_WIDTH, MIN_WIDTH } from '../../shared/budget.ts';
import type { EngineChoice, ForwardPrecision } from '../../shared/engine.ts';
import type { CodebookFit, ColumnOrder, Method } from '../../shared/method.ts';
import type { ModelDescription } from '../../shared/model.ts';
import { DEFAULT_OUTLIER_S } from '../../shared/outlier-order.ts';
import {
  type BudgetRequest,
  DEFAULT_BITS,
  DEFAULT_PERCDAMP,
  DEFAULT_SEGMENTS,
  DEFAULT_SEGMENT_LENGTH,
  DEFAULT_WINDOWS,
  type DENSE_DTYPES,
  type QuantizeChoices,
  type QuantizeChoicesRequest,
} from '../../shared/requests.ts';

export type DenseDtype = (typeof DENSE_DTYPES)[number];

/** Null is an empty field; for a choice from a list it is "decided by the program". */
export interface RunForm {
  method: Method;
  budget: BudgetRequest;
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
  percdamp: number | null;
  actOrder: boolean;
  engine: EngineChoice;
  forwardPrecision: ForwardPrecision;
  threads: number | null;
  hostMemory: number | null;
  exportDtype: DenseDtype | null;
}

/** The paper's settings, and those between that its tables name. */
export const PAPER_BITS = [2, 2.1, 2.12, 2.24, 2.5, 3, 3.12, 3.23, 4] as const;
/** Widths that a uniform grid can have. */
export const WHOLE_BITS: readonly number[] = Array.from(
  { length: MAX_WIDTH - MIN_WIDTH + 1 },
  (_, index) => MIN_WIDTH + index,
);

/** gptq and rtn have one width for all columns, and scales; the others have codebooks. */
export function hasUniformGrid(method: Method): boolean {
  return method === 'gptq' || method === 'rtn';
}

export function presetBits(method: Method): readonly number[] {
  return hasUniformGrid(method) ? WHOLE_BITS.filter((bits) => bits >= 2 && bits <= 4) : PAPER_BITS;
}

/** The form's part for another method: a uniform grid has a whole width for all columns. */
export function withMethod({ budget }: RunForm, method: Method): Pick<RunForm, 'method' | 'budget'> {
  const { bits, ...parts } = budget;
  if (!hasUniformGrid(method)) return { method, budget };
  const whole = Number.isInteger(bits) && Object.keys(parts).length === 0;
  return { method, budget: whole ? budget : { bits: Math.floor(bits ?? DEFAULT_BITS) } };
}

export function emptyForm(): RunForm {
  return {
    method: 'claq',
    budget: { bits: DEFAULT_BITS },
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
    percdamp: DEFAULT_PERCDAMP,
    actOrder: true,
    engine: 'auto',
    forwardPrecision: 'float32',
    threads: null,
    hostMemory: null,
    exportDtype: null,
  };
}

/** The form that makes these choices again. */
export function formOfChoices(choices: QuantizeChoices): RunForm {
  const { calibration, evaluation } = choices;
  return {
    method: choices.method,
    budget: Object.keys(choices.budget).length === 0 ? { bits: DEFAULT_BITS } : { ...choices.budget },
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
    percdamp: choices.percdamp,
    actOrder: choices.actOrder,
    engine: choices.engine,
    forwardPrecision: choices.forwardPrecision,
    threads: choices.threads ?? null,
    hostMemory: choices.hostMemory ?? null,
    exportDtype: choices.exportDtype ?? null,
  };
}

/** What the form asks for. Choices that do not go with the method are left out: they stay in the form for another method. */
export function choicesOfForm(form: RunForm): QuantizeChoicesRequest {
  const grid = hasUniformGrid(form.method);
  const orderOfMethod =
    form.method === 'reference' && form.columnOrder === 'benefit' ? null : form.columnOrder;
  return {
    method: form.method,
    budget: form.budget,
    outlierS: form.outlierS ?? undefined,
    columnOrder: grid ? undefined : (orderOfMethod ?? undefined),
    codebookFit: grid ? undefined : (form.codebookFit ?? undefined),
    groupSize: grid ? (form.groupSize ?? undefined) : undefined,
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
    engine: form.engine,
    forwardPrecision: form.forwardPrecision,
    exportDtype: form.exportDtype ?? undefined,
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
