import { z } from 'zod';
import { ERROR_CODES, type ClaqError } from '../../shared/errors.ts';
import { type Progress, PROGRESS_UNITS } from '../../shared/progress.ts';

/** With --json every line on stdout is one of these. */
export const cliEventSchema = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('progress'),
    phase: z.string(),
    done: z.number(),
    total: z.number(),
    unit: z.enum(PROGRESS_UNITS),
    detail: z.string().optional(),
  }),
  /** A line for people, that they see beside the progress. */
  z.strictObject({ event: z.literal('note'), note: z.string() }),
  z.strictObject({ event: z.literal('result'), command: z.string(), result: z.unknown() }),
  z.strictObject({
    event: z.literal('error'),
    /** A code of ours, or `internal` for a fault of ours. */
    code: z.enum([...ERROR_CODES, 'internal']),
    message: z.string(),
    where: z.string().optional(),
    expected: z.string().optional(),
    found: z.string().optional(),
    remedy: z.string().optional(),
  }),
]);
export type CliEvent = z.infer<typeof cliEventSchema>;

/** One line; JSON.stringify leaves out what is undefined. */
export function eventLine(event: CliEvent): string {
  return `${JSON.stringify(event)}\n`;
}

export function progressEvent(progress: Progress): CliEvent {
  const { phase, done, total, unit, detail } = progress;
  return { event: 'progress', phase, done, total, unit, detail };
}

export function errorEvent(error: ClaqError): CliEvent {
  const { code, message, where, expected, found, remedy } = error;
  return { event: 'error', code, message, where, expected, found, remedy };
}
