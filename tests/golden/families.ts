import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const FOLDER = join(import.meta.dirname, 'families');

/** The models that make_family_models.py makes. */
export const FAMILY_MODELS = [
  'llama',
  'llama2-gqa',
  'llama3',
  'llama-linear-rope',
  'llama-biases',
  'yi',
  'mistral',
  'mistral-sliding',
  'qwen2',
  'qwen2-tied',
  'qwen3',
  'smollm2',
] as const;
export type FamilyModel = (typeof FAMILY_MODELS)[number];

export function familyFolder(name: FamilyModel): string {
  return join(FOLDER, name);
}

/** What transformers computed for a model. */
export interface Expected {
  /** Token ids, all windows of one length T. */
  readonly windows: Int32Array[];
  /** [T, vocabulary] of the first window. */
  readonly logits: Float32Array;
  /** T - 1 values a window. */
  readonly nll: Float64Array[];
  readonly perplexity: number;
}

const entry = z.object({ shape: z.array(z.number()), data_offsets: z.tuple([z.number(), z.number()]) });
const header = z.object({
  __metadata__: z.object({ result: z.string() }),
  ids: entry,
  logits: entry,
  nll: entry,
});

const resultOfRun = z.object({ perplexity: z.number() });

export async function readExpected(name: FamilyModel): Promise<Expected> {
  const file = await readFile(join(FOLDER, `${name}.expected.safetensors`));
  const start = 8 + Number(file.readBigUInt64LE(0));
  const {
    __metadata__: metadata,
    ids,
    logits,
    nll,
  } = header.parse(JSON.parse(file.toString('utf8', 8, start)));
  const bytes = ({ data_offsets: [from, to] }: z.infer<typeof entry>): ArrayBuffer =>
    new Uint8Array(file.subarray(start + from, start + to)).buffer;
  const [windows = 0, length = 0] = ids.shape;
  const allIds = new Int32Array(bytes(ids));
  const allNll = new Float64Array(bytes(nll));
  return {
    windows: Array.from({ length: windows }, (_, window) =>
      allIds.slice(window * length, (window + 1) * length),
    ),
    logits: new Float32Array(bytes(logits)),
    nll: Array.from({ length: windows }, (_, window) =>
      allNll.slice(window * (length - 1), (window + 1) * (length - 1)),
    ),
    perplexity: resultOfRun.parse(JSON.parse(metadata.result)).perplexity,
  };
}
