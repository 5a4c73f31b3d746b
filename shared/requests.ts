/** What can be asked of the service, checked where it comes in, and what it answers. */
import { z } from 'zod';
import { MAX_RESERVATION_BITS, MAX_TAIL_SHARE, MAX_WIDTH, MIN_WIDTH } from './budget.ts';
import type { OnCalibration } from './calibration.ts';
import {
  type EngineChoice,
  engineChoiceSchema,
  type EngineInUse,
  type ForwardPrecision,
  forwardPrecisionSchema,
} from './engine.ts';
import { DENSE_DTYPES, exportTargetSchema } from './exports.ts';
import { INSPECTED_S, type InspectionResult } from './inspection.ts';
import { CODEBOOK_FITS, COLUMN_ORDERS, type ColumnOrder, METHODS } from './method.ts';
import { MATRIX_KINDS } from './model.ts';
import { DEFAULT_OUTLIER_S } from './outlier-order.ts';
import type { OnProgress } from './progress.ts';
import { plusChoicesSchema } from './plus.ts';
import { refuseContradictions } from './request-contradictions.ts';
import { type MatrixResult, perplexityFigureSchema } from './run-record.ts';
import type { EvaluateSummary, ExportSummary, QuantizeSummary, SensitivitySummary } from './summaries.ts';

/** How a caller follows a call of the service and calls it off; a cancelled one throws ClaqError run/cancelled. */
export interface RunHooks {
  readonly onProgress?: OnProgress | undefined;
  /** Something about the run that is worth a line, for people: what computes, for example. */
  readonly onNote?: ((line: string) => void) | undefined;
  /** What computes, once it is known. */
  readonly onEngine?: ((engine: EngineInUse) => void) | undefined;
  /** Each matrix, when it is quantized and saved. */
  readonly onMatrix?: ((matrix: MatrixResult) => void) | undefined;
  /** What a run's calibration says of each group of matrices. */
  readonly onCalibration?: OnCalibration | undefined;
  readonly signal?: AbortSignal | undefined;
}

const path = z.string().min(1, 'a path may not be empty');

/** Above this no weight of any matrix would be an outlier: the largest |w| seen in real models is some 100 times the mean. */
const MAX_OUTLIER_S = 1000;
/** Each S costs a curve and a map of every matrix. */
const MAX_S_VALUES = 16;
const outlierS = z.number().gt(0).max(MAX_OUTLIER_S);

export const inspectRequestSchema = z.strictObject({
  model: path,
  /** Several S are looked at in one walk, so that a page can switch between them. */
  sValues: z
    .array(outlierS)
    .max(MAX_S_VALUES)
    .default([...INSPECTED_S]),
  outlierS: outlierS.default(DEFAULT_OUTLIER_S),
  /** The layer and matrix that the single-matrix pictures show. */
  block: z.int().min(0).optional(),
  matrix: z.enum(MATRIX_KINDS).optional(),
});
export type InspectRequest = z.input<typeof inspectRequestSchema>;

/** What widths and shares follow where nothing is said: measured best (docs/performance.md). */
export const DEFAULT_COLUMN_ORDER: ColumnOrder = 'benefit';

/** Bits where the user names no budget: the paper's setting closest to the original model. */
export const DEFAULT_BITS = 4;
export const DEFAULT_PERCDAMP = 0.01;
/** The paper: 128 segments of 2048 tokens. */
export const DEFAULT_SEGMENTS = 128;
export const DEFAULT_SEGMENT_LENGTH = 2048;
/** Perplexity windows of `quantize`, before and after: enough to tell settings apart, short enough to run every time. */
export const DEFAULT_WINDOWS = 16;

/** A pool larger than this only waits for the memory. */
const MAX_THREADS = 256;
/** Longest context of a model that is known today, some ten million tokens. */
const MAX_CONTEXT = 1 << 24;
/** Far beyond any calibration; stops a slip of the keyboard from asking for years of work. */
const MAX_SEGMENTS = 1 << 20;
const MAX_SEED = 0xffff_ffff;
/** Of the original model in half precision. */
const MAX_STORED_BITS = 16;

const width = z.int().min(MIN_WIDTH).max(MAX_WIDTH);
const averageWidth = z.number().min(MIN_WIDTH).max(MAX_WIDTH);
const percent = z.number().min(0).max(100);
const tailPercent = percent.max(100 * MAX_TAIL_SHARE);
const contextLength = z.int().min(2).max(MAX_CONTEXT);
const windows = z.int().min(0).max(MAX_SEGMENTS);
const threads = z.int().min(1).max(MAX_THREADS);
/** GB of hidden states that may be held at once; the rest goes to the disk. */
const hostMemory = z.number().min(0);
/** GB of a device's own memory that the calibration's activations may stay in between the steps of a run. */
const deviceActivations = z.number().min(0);

/** What the user says about bits; `budget.ts` makes widths and shares of it. Nothing said means DEFAULT_BITS. */
export const budgetRequestSchema = z.strictObject({
  /** A whole width, one of the paper's names (2.12 = AP 2.05 + OR 0.07) or an AP average (2.1 = {2,4} at 5 %). */
  bits: averageWidth.optional(),
  /** AP alone: bits averaged over the columns. */
  apAverage: averageWidth.optional(),
  /** The two widths that AP mixes. */
  apWidths: z.tuple([width, width]).optional(),
  /** OR alone, as the paper counts it: 0.07 means 1.4 % a tail in the top 10 % of columns, 0.4 % in the rest. */
  orBits: z.number().min(0).max(MAX_RESERVATION_BITS).optional(),
  /** Percent of a column that is reserved at each tail: in the top columns, in the rest. */
  orShares: z.tuple([tailPercent, tailPercent]).optional(),
  /** Percent of the columns that count as top columns. */
  orColumns: percent.optional(),
});
export type BudgetRequest = z.infer<typeof budgetRequestSchema>;

/** `0-3`, or `7`; of several, `0-3,7,30-31`. Layers are counted from 0. */
const layerRanges = z
  .string()
  .max(200)
  .regex(/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/, 'layers have the form 0-3,7');

/** Another budget for some of the matrices. */
export const budgetOverrideSchema = z.strictObject({
  /** Without it all layers. */
  layers: layerRanges.optional(),
  /** Without it all kinds of matrices. */
  matrices: z.array(z.enum(MATRIX_KINDS)).min(1).max(MATRIX_KINDS.length).optional(),
  budget: budgetRequestSchema,
});
export type BudgetOverrideRequest = z.infer<typeof budgetOverrideSchema>;

/** More than anybody writes by hand; bounds what a file may ask for. */
const MAX_OVERRIDES = 64;

/** Of several that match a matrix the last one holds. */
export const budgetOverridesSchema = z.array(budgetOverrideSchema).max(MAX_OVERRIDES);

/** Everything that decides the width and the reserved entries of each column: what a budget file holds. */
const budgetChoices = {
  budget: budgetRequestSchema.default({}),
  overrides: budgetOverridesSchema.default([]),
  outlierS: outlierS.default(DEFAULT_OUTLIER_S),
  /** Without it: DEFAULT_COLUMN_ORDER, or `outlier` for the authors' own choices. */
  columnOrder: z.enum(COLUMN_ORDERS).optional(),
};
export const budgetChoicesSchema = z.strictObject(budgetChoices).superRefine((choices, context) => {
  refuseContradictions({ method: 'claq', ...choices }, context);
});
export type BudgetChoices = z.output<typeof budgetChoicesSchema>;

/** How a model is quantized, whoever asks and wherever the result goes. */
const quantizeChoices = {
  method: z.enum(METHODS).default('claq'),
  ...budgetChoices,
  /** Without it: `kept`, or `all` for the authors' own choices. */
  codebookFit: z.enum(CODEBOOK_FITS).optional(),
  /** Columns that share a scale (gptq, rtn); without it the whole row. */
  groupSize: z.int().min(1).optional(),
  /** Of claq-plus; without it all that it has. */
  plus: plusChoicesSchema.optional(),
  /** Damping of the Hessian, as a share of its mean diagonal. */
  percdamp: z.number().gt(0).max(1).default(DEFAULT_PERCDAMP),
  actOrder: z.boolean().default(true),
  calibration: z
    .strictObject({
      /** Without it the bundled corpus. */
      source: path.optional(),
      segments: z.int().min(1).max(MAX_SEGMENTS).default(DEFAULT_SEGMENTS),
      /** Tokens; without it the smaller of DEFAULT_SEGMENT_LENGTH and the model's context. */
      segmentLength: contextLength.optional(),
      seed: z.int().min(0).max(MAX_SEED).default(0),
      /** Lets a segment run over the end of a document into the next one. */
      joinDocuments: z.boolean().default(false),
    })
    .prefault({}),
  evaluation: z
    .strictObject({
      source: path.optional(),
      /** 0 for no evaluation. */
      windows: windows.default(DEFAULT_WINDOWS),
      /** Tokens; without it the smaller of DEFAULT_SEGMENT_LENGTH and the model's context. */
      contextLength: contextLength.optional(),
      /** The original model's, where it is known: several budgets of one model measure it once. */
      baseline: perplexityFigureSchema.optional(),
    })
    .prefault({}),
  threads: threads.optional(),
  /** Without it half of what is free. */
  hostMemory: hostMemory.optional(),
  /** Without it none: they go through host memory. */
  deviceActivations: deviceActivations.optional(),
  /** Without them what the settings say, where there are settings; else as in ENGINE_DEFAULTS. */
  engine: engineChoiceSchema.optional(),
  forwardPrecision: forwardPrecisionSchema.optional(),
  /** Dense export beside the run; undefined for none. */
  exportDtype: z.enum(DENSE_DTYPES).optional(),
};

/** What computes, and how, where neither a request nor the settings say. */
export const ENGINE_DEFAULTS = { engine: 'auto', forwardPrecision: 'float32' } as const satisfies {
  engine: EngineChoice;
  forwardPrecision: ForwardPrecision;
};
const decidedEngine = {
  engine: engineChoiceSchema.default(ENGINE_DEFAULTS.engine),
  forwardPrecision: forwardPrecisionSchema.default(ENGINE_DEFAULTS.forwardPrecision),
};

export const quantizeRequestSchema = z
  .strictObject({
    model: path,
    /** Folder of the run; without it `runs/<model>-<budget>-<n>`. */
    out: path.optional(),
    /** The most bits a weight that the packed matrices may take, all counted; the average of AP follows from it. */
    storedBits: z.number().gt(0).max(MAX_STORED_BITS).optional(),
    /** Begins anew where the folder holds an unfinished run, instead of going on with it. */
    restart: z.boolean().default(false),
    ...quantizeChoices,
    ...decidedEngine,
    /** File for the run's trace, in Chrome's trace event format. */
    trace: path.optional(),
  })
  .superRefine(refuseContradictions);
/** What a caller may leave out is left out. */
export type QuantizeRequest = z.input<typeof quantizeRequestSchema>;
/** Every setting has a value or is decided by the model. */
export type QuantizeSettings = z.output<typeof quantizeRequestSchema>;

/** The choices alone, of which a form or a queue is made. */
export const quantizeChoicesSchema = z.strictObject(quantizeChoices).superRefine(refuseContradictions);
export type QuantizeChoicesRequest = z.input<typeof quantizeChoicesSchema>;
export type QuantizeChoices = z.output<typeof quantizeChoicesSchema>;
/** Choices of which nothing is left to the settings. */
export type DecidedChoices = QuantizeChoices & Pick<QuantizeSettings, keyof typeof ENGINE_DEFAULTS>;

export const evaluateRequestSchema = z.strictObject({
  /** A model's folder, or a run's. */
  model: path,
  /** Without it the bundled text. */
  text: path.optional(),
  /** Without it the whole text. */
  windows: windows.min(1).optional(),
  contextLength: contextLength.optional(),
  threads: threads.optional(),
  /** Without it half of what is free. */
  hostMemory: hostMemory.optional(),
  ...decidedEngine,
});
export type EvaluateRequest = z.input<typeof evaluateRequestSchema>;

export const sensitivityRequestSchema = z.strictObject({
  model: path,
  /** Calibration text; without it the bundled one. */
  text: path.optional(),
  threads: threads.optional(),
  /** Without it half of what is free. */
  hostMemory: hostMemory.optional(),
  ...decidedEngine,
});
export type SensitivityRequest = z.input<typeof sensitivityRequestSchema>;

export const exportRequestSchema = z.strictObject({
  /** Folder of a run, or of a packed model. */
  source: path,
  /** Without it a folder inside of the source's, of the target's own. */
  out: path.optional(),
  target: exportTargetSchema.default({ format: 'dense', dtype: 'source' }),
});
export type ExportRequest = z.input<typeof exportRequestSchema>;

/** Which of the two TensorFlows: the one for GPUs, or the one for CPUs. */
const gpu = z.boolean().default(false);

export const setupRequestSchema = z.strictObject({
  gpu,
  /** Version of TensorFlow; without it the newest that was tried, or the one that is there. */
  tensorflow: z
    .string()
    .regex(/^\d{1,3}(\.\d{1,3}){2}$/, 'a version has the form 2.21.0')
    .optional(),
});
export type SetupRequest = z.input<typeof setupRequestSchema>;

export const setupRemovalSchema = z.strictObject({ gpu });
export type SetupRemoval = z.input<typeof setupRemovalSchema>;

export interface SetupSummary {
  readonly variant: 'cpu' | 'gpu';
  readonly folder: string;
  /** Version of TensorFlow. */
  readonly tensorflow: string;
  /** Whether the addon was built on this machine or came with the program. */
  readonly addon: 'built' | 'shipped';
  /** Names and versions of the wheels that the libraries came from. */
  readonly wheels: readonly string[];
  /** Of everything that is on the disk now. */
  readonly bytes: number;
  /** It was there, whole, before. */
  readonly alreadyThere: boolean;
  readonly seconds: number;
}

export interface SetupRemovalSummary {
  readonly variant: 'cpu' | 'gpu';
  readonly folder: string;
  /** Freed on the disk, downloads included; 0 where there was nothing. */
  readonly bytes: number;
}

/** The long jobs of the service, as a command or a window calls them. All throw ClaqError. */
export type InspectService = (request: InspectRequest, hooks: RunHooks) => Promise<InspectionResult>;
export type QuantizeService = (request: QuantizeRequest, hooks: RunHooks) => Promise<QuantizeSummary>;
export type EvaluateService = (request: EvaluateRequest, hooks: RunHooks) => Promise<EvaluateSummary>;
export type SensitivityService = (
  request: SensitivityRequest,
  hooks: RunHooks,
) => Promise<SensitivitySummary>;
export type ExportService = (request: ExportRequest, hooks: RunHooks) => Promise<ExportSummary>;
export type SetupService = (request: SetupRequest, hooks: RunHooks) => Promise<SetupSummary>;
export type SetupRemovalService = (request: SetupRemoval) => Promise<SetupRemovalSummary>;
