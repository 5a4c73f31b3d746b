import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readArrays } from '../../main/engine/checkpoint/array-file.ts';

const FOLDER = join(import.meta.dirname, 'tiny');

export const ROWS = 160;
export const COLUMNS = 48;

/** The small matrix and what the released code made of it (tiny/README.md). */
export const tiny = await readArrays(join(FOLDER, 'tiny.safetensors'));

const lossesSchema = z.record(z.string(), z.number());
export const losses = lossesSchema.parse(JSON.parse(await readFile(join(FOLDER, 'losses.json'), 'utf8')));

const errors = z.record(z.enum(['2', '3', '4']), z.array(z.number()).length(COLUMNS));
const errorsSchema = z.object({ optimal: errors, scikit: errors });
/** Squared error of every column, by width. */
export const columnErrors = errorsSchema.parse(
  JSON.parse(await readFile(join(FOLDER, 'column-errors.json'), 'utf8')),
);
