import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { FamilyModel } from './families.ts';

const FOLDER = join(import.meta.dirname, 'sensitivity');

/** What torch's autograd found at the output of one linear layer: squares of dL/dy. */
export interface ExpectedSquares {
  /** Of each token but the last of all windows, the mean over the rows. */
  readonly tokens: Float64Array;
  /** Of each row, the mean over the tokens. */
  readonly rows: Float64Array;
}

const entry = z.object({ data_offsets: z.tuple([z.number(), z.number()]) });
const header = z.record(z.string(), z.unknown());

/** By the layer's name, which is its tensor's without `.weight`. */
export async function readExpectedSquares(name: FamilyModel): Promise<(layer: string) => ExpectedSquares> {
  const file = await readFile(join(FOLDER, `${name}.safetensors`));
  const start = 8 + Number(file.readBigUInt64LE(0));
  const entries = header.parse(JSON.parse(file.toString('utf8', 8, start)));
  const values = (array: string): Float64Array => {
    const [from, to] = entry.parse(entries[array]).data_offsets;
    return new Float64Array(new Uint8Array(file.subarray(start + from, start + to)).buffer);
  };
  return (layer) => ({ tokens: values(`${layer}.tokens`), rows: values(`${layer}.rows`) });
}
