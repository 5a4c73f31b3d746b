/** Who shows the window, and what it can reach of the machine. */
import { z } from 'zod';

export const programInfoSchema = z.strictObject({
  /** `0.1.0` */
  version: z.string(),
  /** `direct`: a command, or whoever else calls in the service's own process. */
  host: z.enum(['desktop', 'browser', 'direct']),
  node: z.string(),
  /** `linux-x64` */
  platform: z.string(),
  hostname: z.string(),
  cores: z.int(),
  memoryBytes: z.number(),
  /** Folder of the library's database. */
  dataFolder: z.string(),
});
export type ProgramInfo = z.infer<typeof programInfoSchema>;

export const licenceSchema = z.strictObject({
  name: z.string(),
  version: z.string(),
  licence: z.string(),
  /** Text of its licence file, where the package has one. */
  text: z.string().nullable(),
});
export type Licence = z.infer<typeof licenceSchema>;

/** A folder of the machine that the service runs on, for a browser, which has no dialog for it. */
export const folderListingSchema = z.strictObject({
  folder: z.string(),
  /** Null at the top. */
  parent: z.string().nullable(),
  entries: z.array(
    z.strictObject({
      name: z.string(),
      path: z.string(),
      kind: z.enum(['folder', 'file']),
      /** It has a config.json and weights in the safetensors format. */
      isModel: z.boolean(),
      bytes: z.number().nullable(),
    }),
  ),
  /** More entries than are listed. */
  truncated: z.boolean(),
  /** Where to begin: home, the settings' folders, drives. */
  places: z.array(z.strictObject({ name: z.string(), path: z.string() })),
});
export type FolderListing = z.infer<typeof folderListingSchema>;
