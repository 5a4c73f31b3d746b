/** Progress of long work: what the engine tells, the service passes on, and a window, terminal or script shows. */
import { z } from 'zod';

export const PROGRESS_UNITS = ['tokens', 'matrices', 'bytes', 'tensors', 'documents', 'steps'] as const;

export const progressSchema = z.strictObject({
  /** One verb phrase, the same for the whole phase: "Evaluating the original model". */
  phase: z.string(),
  /** Work done and to do in the phase's own unit; `total` is known from the start. */
  done: z.number(),
  total: z.number(),
  unit: z.enum(PROGRESS_UNITS),
  /** What is being worked on right now, for example a matrix's name. */
  detail: z.string().optional(),
});
export type Progress = Readonly<z.infer<typeof progressSchema>>;

export type OnProgress = (progress: Progress) => void;
