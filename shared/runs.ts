/** A run as the library keeps it and a window shows it. run.json in the run's folder has everything; this is what lists and watches need. */
import { z } from 'zod';
import { plainErrorSchema } from './errors.ts';
import { modelIdSchema } from './library.ts';
import { METHODS } from './method.ts';
import { progressSchema } from './progress.ts';
import { exportCheckSchema, exportResultSchema, exportTargetSchema } from './exports.ts';
import { quantizeChoicesSchema } from './requests.ts';
import { matrixResultSchema, runFiguresSchema } from './run-record.ts';

export const runIdSchema = z.int().positive().brand<'RunId'>();
export type RunId = z.infer<typeof runIdSchema>;
export const exportIdSchema = z.int().positive().brand<'ExportId'>();
export type ExportId = z.infer<typeof exportIdSchema>;

export const RUN_STATES = [
  'queued',
  'running',
  /** Told to stop; it stops behind the step that it is at. */
  'pausing',
  'paused',
  'cancelling',
  'cancelled',
  'failed',
  /** The program ended while it ran. */
  'interrupted',
  'complete',
] as const;
export const runStateSchema = z.enum(RUN_STATES);
export type RunState = z.infer<typeof runStateSchema>;

/** States in which a run can go on behind its last finished block. */
export const RESUMABLE_STATES: ReadonlySet<RunState> = new Set<RunState>([
  'paused',
  'cancelled',
  'failed',
  'interrupted',
]);
/** States in which the queue holds a run. */
export const ACTIVE_STATES: ReadonlySet<RunState> = new Set<RunState>([
  'queued',
  'running',
  'pausing',
  'cancelling',
]);

/** What a run was asked for: a model of the library, and how it is quantized. */
export const runRequestSchema = z.strictObject({ modelId: modelIdSchema, choices: quantizeChoicesSchema });
export type RunRequest = z.input<typeof runRequestSchema>;
/** A request with every choice made or left to the model. */
export type RunOrder = z.output<typeof runRequestSchema>;

/** Progress with what its rate says. */
export const paceSchema = z.strictObject({
  progress: progressSchema,
  /** Units a second lately; null before there is a rate to speak of. */
  rate: z.number().nullable(),
  secondsLeft: z.number().nullable(),
});
export type Pace = z.infer<typeof paceSchema>;

export const runCardSchema = z.strictObject({
  id: runIdSchema,
  modelId: modelIdSchema,
  modelName: z.string(),
  /** Absolute path. */
  folder: z.string(),
  state: runStateSchema,
  method: z.enum(METHODS),
  /** Label of the budget: `2.12 (AP 2.05 of {2,4} + OR 0.07)`. */
  budget: z.string(),
  /** ISO 8601, UTC; null before. */
  queuedAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  /** How many runs are before it in the queue; null where it does not wait. */
  ahead: z.int().nullable(),
  /** Matrices that are done, and all. */
  matricesDone: z.int(),
  matricesTotal: z.int(),
  figures: runFiguresSchema.nullable(),
  /** Why it failed. */
  error: plainErrorSchema.nullable(),
});
export type RunCard = z.infer<typeof runCardSchema>;

export const runNoteSchema = z.strictObject({ at: z.string(), line: z.string() });
export type RunNote = z.infer<typeof runNoteSchema>;

/** What an export is made of. */
export const exportSourceSchema = z.union([
  z.strictObject({ runId: runIdSchema }),
  z.strictObject({ modelId: modelIdSchema }),
]);
export type ExportSource = z.infer<typeof exportSourceSchema>;

export const exportCardSchema = exportResultSchema.extend({
  id: exportIdSchema,
  /** What it was made of: a run, or a packed model of the library. */
  runId: runIdSchema.nullable(),
  modelId: modelIdSchema.nullable(),
  target: exportTargetSchema,
  /** Null where it was made by a version that did not keep it. */
  check: exportCheckSchema.nullable(),
  /** Absolute path. */
  folder: z.string(),
  createdAt: z.string(),
});
export type ExportCard = z.infer<typeof exportCardSchema>;

export const runDetailSchema = runCardSchema.extend({
  choices: quantizeChoicesSchema,
  /** Blocks of the model: the rows of the picture of losses. */
  blocks: z.int(),
  /** What computes or computed, once it is known: `TensorFlow 2.21.0 on the CPU`. */
  engine: z.string().nullable(),
  matrices: z.array(matrixResultSchema),
  notes: z.array(runNoteSchema),
  exports: z.array(exportCardSchema),
});
export type RunDetail = z.infer<typeof runDetailSchema>;

/** What the machine was doing while a run ran. */
export const loadSampleSchema = z.strictObject({
  /** Milliseconds since the epoch. */
  at: z.number(),
  /** Of the service's process, in bytes. */
  memoryBytes: z.number(),
  /** Share of all cores that the service's process used, 0..1. */
  processor: z.number(),
  gpu: z
    .strictObject({ memoryBytes: z.number(), memoryTotalBytes: z.number(), share: z.number() })
    .nullable(),
});
export type LoadSample = z.infer<typeof loadSampleSchema>;

/** What a watched run tells. First `run`, with everything; then what is new. */
export const runEventSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('run'), run: runDetailSchema }),
  z.strictObject({ kind: z.literal('pace'), pace: paceSchema }),
  z.strictObject({ kind: z.literal('matrices'), matrices: z.array(matrixResultSchema) }),
  z.strictObject({ kind: z.literal('note'), note: runNoteSchema }),
  z.strictObject({ kind: z.literal('load'), load: loadSampleSchema }),
  /** The run was deleted: nothing more comes. */
  z.strictObject({ kind: z.literal('deleted') }),
]);
export type RunEvent = z.infer<typeof runEventSchema>;
