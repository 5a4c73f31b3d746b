import { z } from 'zod';
import { ERROR_CODES, type ClaqError, plainError, plainErrorSchema } from '../../shared/errors.ts';
import { type Progress, progressSchema } from '../../shared/progress.ts';

/** Where `claq serve` shows its page. */
const servingEventSchema = z.strictObject({
  event: z.literal('serving'),
  /** With the token. */
  url: z.string(),
  origin: z.string(),
  port: z.int(),
});

/** With --json every line on stdout is one of these. */
export const cliEventSchema = z.discriminatedUnion('event', [
  progressSchema.extend({ event: z.literal('progress') }),
  /** A line for people, that they see beside the progress. */
  z.strictObject({ event: z.literal('note'), note: z.string() }),
  servingEventSchema,
  z.strictObject({ event: z.literal('result'), command: z.string(), result: z.unknown() }),
  plainErrorSchema.extend({
    event: z.literal('error'),
    /** A code of ours, or `internal` for a fault of ours. */
    code: z.enum([...ERROR_CODES, 'internal']),
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
  return { event: 'error', ...plainError(error) };
}
