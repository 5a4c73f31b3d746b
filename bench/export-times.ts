import { z } from 'zod';

/** What a process that exports prints, in seconds and bytes. */
export const exportTimesSchema = z.strictObject({
  /** Of the model's weights files. */
  sourceBytes: z.number(),
  writtenBytes: z.number(),
  write: z.number(),
  /** Every tensor compared. */
  verify: z.number(),
  /** SHA-256 of every file, twice, as an export does: once for the list, once against it. */
  sums: z.number(),
});
export type ExportTimes = z.infer<typeof exportTimesSchema>;
