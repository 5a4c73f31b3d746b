/** What a run will take, said before it starts, with the figures that it follows from. */
import { z } from 'zod';
import { engineInUseSchema } from './engine.ts';

/** One part of a sum, and in words what it follows from: `135 M weights x 2.45 bits`. */
const bytesPartSchema = z.strictObject({ name: z.string(), bytes: z.number(), basis: z.string() });
export type BytesPart = z.infer<typeof bytesPartSchema>;

const spaceSchema = z.strictObject({
  /** Sum of the parts, or the largest of what stands at a time. */
  needed: z.number(),
  free: z.number().nullable(),
  total: z.number().nullable(),
  parts: z.array(bytesPartSchema),
});
export type Space = z.infer<typeof spaceSchema>;

export const preflightSchema = z.strictObject({
  engine: engineInUseSchema,
  budget: z.string(),
  nominalBits: z.number(),
  /** At most: the choice by benefit spends no more. */
  storedBits: z.number(),
  sourceBytes: z.number(),
  packedBytes: z.number(),
  time: z.strictObject({
    seconds: z.number(),
    parts: z.array(z.strictObject({ name: z.string(), seconds: z.number(), basis: z.string() })),
    /** Where the rates come from: `run 12 on this machine`, or a short measurement. */
    source: z.string(),
  }),
  memory: spaceSchema,
  /** Null where no GPU computes. */
  gpuMemory: spaceSchema.nullable(),
  disk: spaceSchema.extend({ folder: z.string() }),
  /** What stands in the way (`refuse`) or should be known (`warn`). Sentences for people. */
  remarks: z.array(z.strictObject({ severity: z.enum(['refuse', 'warn']), text: z.string() })),
});
export type Preflight = z.infer<typeof preflightSchema>;
