/** The long things that go on, whatever screen is open: runs, exports, downloads, set-up. */
import { z } from 'zod';
import { plainErrorSchema } from './errors.ts';
import { exportTargetSchema } from './exports.ts';
import { modelIdSchema } from './library.ts';
import { paceSchema, runIdSchema } from './runs.ts';

export const ACTIVITY_KINDS = [
  'quantize',
  'export',
  'download',
  'setup',
  'evaluate',
  'measure',
  'analyse',
  'sensitivity',
] as const;

export const activityIdSchema = z.string().min(1).brand<'ActivityId'>();
export type ActivityId = z.infer<typeof activityIdSchema>;

export const activitySchema = z.strictObject({
  id: activityIdSchema,
  kind: z.enum(ACTIVITY_KINDS),
  /** `SmolLM2-135M, 2.12 bits`. */
  title: z.string(),
  state: z.enum(['waiting', 'running', 'stopping', 'done', 'failed', 'cancelled']),
  pace: paceSchema.nullable(),
  runId: runIdSchema.nullable(),
  modelId: modelIdSchema.nullable(),
  /** Of an export: what is written, and the folder that was chosen for it. */
  exporting: z.strictObject({ target: exportTargetSchema, folder: z.string().nullable() }).nullable(),
  /** The last that was told to people beside the progress. */
  note: z.string().nullable(),
  /** Of a failed one. */
  error: plainErrorSchema.nullable(),
  startedAt: z.string(),
});
export type Activity = z.infer<typeof activitySchema>;
