/** A small file of the shell's own. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { z } from 'zod';

/** Undefined where there is none, or none that can be read: what it holds is a comfort, not worth an error. */
export function readJsonFile<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): z.output<Schema> | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Written whole or not at all. Synchronous: it is written while the program ends. */
export function writeJsonFile(file: string, value: unknown): void {
  const unfinished = `${file}.part`;
  writeFileSync(unfinished, `${JSON.stringify(value)}\n`);
  renameSync(unfinished, file);
}
