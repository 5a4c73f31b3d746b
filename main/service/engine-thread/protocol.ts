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
} from '../../../shared/requests.ts';
import {
  type EvaluateSummary,
  evaluateSummarySchema,
  type ExportSummary,
  exportSummarySchema,
  type QuantizeSummary,
  quantizeSummarySchema,
} from '../../../shared/summaries.ts';
import {
  type MeasuredRates,
  measuredRatesSchema,
  type RatesRequest,
  ratesRequestSchema,
} from '../preflight/measured-rates.ts';

/** What the thread can be asked to do. */
interface Tasks {
  inspect: { request: InspectRequest; result: InspectionResult };
  quantize: { request: QuantizeRequest; result: QuantizeSummary };
  evaluate: { request: EvaluateRequest; result: EvaluateSummary };
  export: { request: ExportRequest; result: ExportSummary };
  /** How fast this machine is. */
  rates: { request: RatesRequest; result: MeasuredRates };
}

export type EngineTask = keyof Tasks;
export type TaskRequest<Task extends EngineTask> = Tasks[Task]['request'];
export type TaskResult<Task extends EngineTask> = Tasks[Task]['result'];

export const TASK_SCHEMAS: {
  readonly [Task in EngineTask]: {
    readonly request: z.ZodType<unknown, TaskRequest<Task>>;
    readonly result: z.ZodType<TaskResult<Task>>;
  };
} = {
  inspect: { request: inspectRequestSchema, result: inspectionResultSchema },
  quantize: { request: quantizeRequestSchema, result: quantizeSummarySchema },
  evaluate: { request: evaluateRequestSchema, result: evaluateSummarySchema },
  export: { request: exportRequestSchema, result: exportSummarySchema },
  rates: { request: ratesRequestSchema, result: measuredRatesSchema },
};

const jobSchema = z.discriminatedUnion('task', [
  z.strictObject({ task: z.literal('inspect'), request: inspectRequestSchema }),
  z.strictObject({ task: z.literal('quantize'), request: quantizeRequestSchema }),
  z.strictObject({ task: z.literal('evaluate'), request: evaluateRequestSchema }),
  z.strictObject({ task: z.literal('export'), request: exportRequestSchema }),
  z.strictObject({ task: z.literal('rates'), request: ratesRequestSchema }),
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
