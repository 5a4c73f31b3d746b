/** What the desktop app's shell and the service's process say to each other, beside the ports that carry the contract. */
import { z } from 'zod';
import { plainErrorSchema } from '../../shared/errors.ts';

const hubToken = z.string().min(1).max(500).nullable();

export const toServiceSchema = z.discriminatedUnion('kind', [
  /** The first message. */
  z.strictObject({ kind: z.literal('open'), dataFolder: z.string().min(1), hubToken }),
  /** Comes with one port: the contract is spoken on it. */
  z.strictObject({ kind: z.literal('connect') }),
  /** The user gave another token, or took it back. */
  z.strictObject({ kind: z.literal('hub-token'), hubToken }),
  /** Pause what runs, close the library, and end. */
  z.strictObject({ kind: z.literal('close') }),
]);
export type ToService = z.infer<typeof toServiceSchema>;

export const fromServiceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('opened') }),
  /** The library cannot be opened, and trying again would not help. The parent ends the process. */
  z.strictObject({ kind: z.literal('refused'), error: plainErrorSchema }),
]);
export type FromService = z.infer<typeof fromServiceSchema>;
