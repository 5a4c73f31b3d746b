/** A model that is to be fetched from a Hugging Face hub. */
import { z } from 'zod';

export const downloadRequestSchema = z.strictObject({
  /** `HuggingFaceTB/SmolLM2-135M-Instruct` */
  repository: z
    .string()
    .max(200)
    .regex(/^[\w.-]+\/[\w.-]+$/, 'a repository has the form owner/name'),
  /** Branch, tag or commit. */
  revision: z.string().min(1).max(200).default('main'),
  /** Used for this download alone, and not kept. */
  token: z.string().min(1).max(500).optional(),
});
export type DownloadRequest = z.output<typeof downloadRequestSchema>;
