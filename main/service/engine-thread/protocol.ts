/** What the engine's thread and its caller say to each other. Each side checks what it hears. */
import { z } from 'zod';
import { engineInUseSchema } from '../../../shared/engine.ts';
import { plainErrorSchema } from '../../../shared/errors.ts';
import { type InspectionResult, inspectionResultSchema } from '../../../shared/inspection.ts';
import { progressSchema } from '../../../shared/progress.ts';
import { matrixResultSchema } from '../../../shared/run-record.ts';
import {
  type EvaluateRequest,
  evaluateRequestSchema,
  type ExportRequest,
  exportRequestSchema,
  type InspectRequest,
  inspectRequestSchema,
  type QuantizeRequest,
  quantizeRequestSchema,
  type SensitivityRequest,
  sensitivityRequestSchema,
} from '../../../shared/requests.ts';
import {
  type EvaluateSummary,
  evaluateSummarySchema,
  type ExportSummary,
  exportSummarySchema,
  type QuantizeSummary,
  quantizeSummarySchema,
  type SensitivitySummary,
  sensitivitySummarySchema,
} from '../../../shared/summaries.ts';
import {
  type MeasuredRates,
  measuredRatesSchema,
  type RatesRequest,
  ratesRequestSchema,
} from '../preflight/measured-rates.ts';
import {
  type ColumnTask,
  columnTaskSchema,
  type ColumnTaskSummary,
  columnTaskSummarySchema,
} from '../statistics/column-tasks.ts';
import { analysisSchema, calibrationSchema, statisticsSchema } from './array-reports.ts';

/** What the thread can be asked to do. */
interface Tasks {
  inspect: { request: InspectRequest; result: InspectionResult };
  quantize: { request: QuantizeRequest; result: QuantizeSummary };
  evaluate: { request: EvaluateRequest; result: EvaluateSummary };
  /** Squared gradients at the outputs of all linear layers. */
  sensitivity: { request: SensitivityRequest; result: SensitivitySummary };
  export: { request: ExportRequest; result: ExportSummary };
  /** How fast this machine is. */
  rates: { request: RatesRequest; result: MeasuredRates };
  /** Statistics of a model's columns. */
  measure: { request: ColumnTask; result: ColumnTaskSummary };
  /** What quantizing each column costs. */
  analyse: { request: ColumnTask; result: ColumnTaskSummary };
}

export type EngineTask = keyof Tasks;
export type TaskRequest<Task extends EngineTask> = Tasks[Task]['request'];
export type TaskResult<Task extends EngineTask> = Tasks[Task]['result'];

type TaskSchemas = {
  readonly [Task in EngineTask]: {
    readonly request: z.ZodType<unknown, TaskRequest<Task>>;
    readonly result: z.ZodType<TaskResult<Task>>;
  };
};

const SCHEMAS = {
  inspect: { request: inspectRequestSchema, result: inspectionResultSchema },
  quantize: { request: quantizeRequestSchema, result: quantizeSummarySchema },
  evaluate: { request: evaluateRequestSchema, result: evaluateSummarySchema },
  sensitivity: { request: sensitivityRequestSchema, result: sensitivitySummarySchema },
  export: { request: exportRequestSchema, result: exportSummarySchema },
  rates: { request: ratesRequestSchema, result: measuredRatesSchema },
  measure: { request: columnTaskSchema, result: columnTaskSummarySchema },
  analyse: { request: columnTaskSchema, result: columnTaskSummarySchema },
} satisfies TaskSchemas;
export const TASK_SCHEMAS: TaskSchemas = SCHEMAS;

const jobSchema = z.discriminatedUnion('task', [
  z.strictObject({ task: z.literal('inspect'), request: SCHEMAS.inspect.request }),
  z.strictObject({ task: z.literal('quantize'), request: SCHEMAS.quantize.request }),
  z.strictObject({ task: z.literal('evaluate'), request: SCHEMAS.evaluate.request }),
  z.strictObject({ task: z.literal('sensitivity'), request: SCHEMAS.sensitivity.request }),
  z.strictObject({ task: z.literal('export'), request: SCHEMAS.export.request }),
  z.strictObject({ task: z.literal('rates'), request: SCHEMAS.rates.request }),
  z.strictObject({ task: z.literal('measure'), request: SCHEMAS.measure.request }),
  z.strictObject({ task: z.literal('analyse'), request: SCHEMAS.analyse.request }),
]);
/** A task with its request. */
export type EngineJob = z.output<typeof jobSchema>;

/** To the thread: first `start`, once; then perhaps `cancel`. */
export const orderSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('start'), job: jobSchema }),
  z.strictObject({ kind: z.literal('cancel') }),
]);

/** From the thread. One of the last three ends it. */
export const reportSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('progress'), progress: progressSchema }),
  z.strictObject({ kind: z.literal('note'), note: z.string() }),
  z.strictObject({ kind: z.literal('engine'), engine: engineInUseSchema }),
  z.strictObject({ kind: z.literal('matrix'), matrix: matrixResultSchema }),
  z.strictObject({ kind: z.literal('calibration'), calibration: calibrationSchema }),
  z.strictObject({ kind: z.literal('statistics'), statistics: statisticsSchema }),
  z.strictObject({ kind: z.literal('analysis'), analysis: analysisSchema }),
  /** In the form that the task has in TASK_SCHEMAS. */
  z.strictObject({ kind: z.literal('result'), result: z.unknown() }),
  z.strictObject({ kind: z.literal('error'), error: plainErrorSchema }),
  /** An error that is not ours. */
  z.strictObject({
    kind: z.literal('fault'),
    name: z.string(),
    message: z.string(),
    stack: z.string().optional(),
  }),
]);
export type Report = z.infer<typeof reportSchema>;
