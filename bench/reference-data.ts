/** Matrices, losses and texts from runs of the authors' code. They lie beside the project, not in it. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type SafetensorsFile, openSafetensors } from '../main/engine/checkpoint/safetensors-file.ts';

export const REFERENCE_FOLDER = fileURLToPath(new URL('../../shared/reference', import.meta.url));
export const SMOLLM2_FOLDER = fileURLToPath(new URL('../models/SmolLM2-135M-Instruct', import.meta.url));

export const REFERENCE_MATRICES = ['tiny', 'l5_q_proj', 'l5_down_proj'] as const;
export type ReferenceName = (typeof REFERENCE_MATRICES)[number];

/** `exact`: the authors' loop with optimal K-Means; `intel`: with theirs. */
export type ReferenceKind = 'exact' | 'intel';

export function referenceFile(name: string): string {
  return join(REFERENCE_FOLDER, name);
}

export function missingReference(): string | undefined {
  if (existsSync(REFERENCE_FOLDER)) return undefined;
  return `The authors' matrices and losses are not here (${REFERENCE_FOLDER}): what is compared with them is left out.`;
}

export function missingSmollm2(): string | undefined {
  if (existsSync(join(SMOLLM2_FOLDER, 'model.safetensors'))) return undefined;
  return 'SmolLM2-135M-Instruct is not here: `npm run fetch:smollm2` makes it. What needs it is left out.';
}

const lossesSchema = z.record(
  z.string(),
  z.record(z.string(), z.looseObject({ loss: z.number().optional() })),
);

/** Losses by matrix, then by `SETTING.KIND`. */
export async function readLosses(): Promise<(matrix: ReferenceName, setting: string) => number | undefined> {
  const losses = lossesSchema.parse(JSON.parse(await readFile(referenceFile('losses.json'), 'utf8')));
  return (matrix, setting) => losses[matrix]?.[setting]?.loss;
}

export interface ReferenceMatrix {
  readonly name: ReferenceName;
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] */
  readonly weights: Float32Array;
  /** [columns, columns], undamped. */
  readonly hessian: Float32Array;
  /** Widths and numbers of reserved entries by column, where the file has them. */
  readonly plans: ReadonlyMap<string, { readonly widths: Int32Array; readonly kept: Int32Array }>;
}

export async function readMatrix(name: ReferenceName): Promise<ReferenceMatrix> {
  const file = await openSafetensors(referenceFile(`${name}.safetensors`));
  try {
    const [rows = 0, columns = 0] = file.header.tensors.get('W')?.shape ?? [];
    const plans = new Map<string, { widths: Int32Array; kept: Int32Array }>();
    for (const tensor of file.header.tensors.keys()) {
      const setting = /^(.*)\.bits$/.exec(tensor)?.[1];
      if (setting === undefined) continue;
      const kept = `${setting}.kept`;
      plans.set(setting, {
        widths: await readInts(file, tensor),
        kept: file.header.tensors.has(kept) ? await readInts(file, kept) : new Int32Array(columns),
      });
    }
    return {
      name,
      rows,
      columns,
      weights: await file.readFloats('W'),
      hessian: await file.readFloats('H'),
      plans,
    };
  } finally {
    await file.close();
  }
}

export async function readInts(file: SafetensorsFile, name: string): Promise<Int32Array> {
  return new Int32Array((await readAll(file, name, 'I32')).buffer);
}

export async function readDoubles(file: SafetensorsFile, name: string): Promise<Float64Array> {
  return new Float64Array((await readAll(file, name, 'F64')).buffer);
}

async function readAll(file: SafetensorsFile, name: string, dtype: string): Promise<Uint8Array<ArrayBuffer>> {
  const tensor = file.header.tensors.get(name);
  if (tensor?.dtype !== dtype)
    throw new TypeError(`${name}: expected ${dtype}, found ${tensor?.dtype ?? 'nothing'}`);
  return await file.readBytes(name, 0, tensor.bytes);
}
