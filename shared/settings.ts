/** What the user sets once, for all models. */
import { z } from 'zod';
import { engineChoiceSchema, forwardPrecisionSchema } from './engine.ts';

export const THEMES = ['system', 'light', 'dark'] as const;

const folder = z.string().min(1, 'a folder may not be empty');

export const settingsSchema = z.strictObject({
  theme: z.enum(THEMES),
  engine: engineChoiceSchema,
  forwardPrecision: forwardPrecisionSchema,
  /** Kernel threads; null for all cores. */
  threads: z.int().min(1).max(256).nullable(),
  /** GB of activations that may be held in memory at once; null for half of what is free. */
  hostMemory: z.number().min(0).nullable(),
  /** Where new runs and downloads go. Absolute paths. */
  runsFolder: folder,
  modelsFolder: folder,
  /** Calibration text where a run names none; null for the bundled one. */
  calibrationText: folder.nullable(),
});
export type Settings = z.infer<typeof settingsSchema>;

export const settingsChangeSchema = settingsSchema.partial();
export type SettingsChange = z.infer<typeof settingsChangeSchema>;
