/**
 * npm run bench:e2e [-- --bits 2.12 --segments 16 --segment-length 1024 --engine tensorflow-cpu --engine wasm
 *                      --forward-precision float32 --blocks 30 --growth]
 * From a model folder to the result, SmolLM2-135M, on each engine; `--growth` adds how time grows with blocks and segments.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { engineChoiceSchema, forwardPrecisionSchema } from '../shared/engine.ts';
import { benchEngines, benchGrowth } from './whole-run.ts';
import { missingSmollm2 } from './reference-data.ts';
import { note, section } from './report.ts';

const options = z.object({
  bits: z.coerce.number().min(1).max(8).default(2.12),
  segments: z.coerce.number().int().min(1).default(16),
  'segment-length': z.coerce.number().int().min(2).default(1024),
  engine: z.array(engineChoiceSchema).default(['tensorflow-cpu', 'wasm']),
  'forward-precision': z.array(forwardPrecisionSchema).default(['float32']),
  /** Blocks of the model that are used. */
  blocks: z.coerce.number().int().min(1).max(30).default(30),
  threads: z.coerce.number().int().min(1).default(availableParallelism()),
  growth: z.boolean().default(false),
});

const one = { type: 'string' } as const;
const many = { type: 'string', multiple: true } as const;
const { values } = parseArgs({
  options: {
    bits: one,
    segments: one,
    'segment-length': one,
    engine: many,
    'forward-precision': many,
    blocks: one,
    threads: one,
    growth: { type: 'boolean' },
  },
});
const { growth, engine: engines, 'forward-precision': precisions, ...chosen } = options.parse(values);
const run = { ...chosen, segmentLength: chosen['segment-length'] };
section('End to end');
const missing = missingSmollm2();
if (missing === undefined) {
  await benchEngines(run, engines, precisions);
  if (growth) await benchGrowth(run, engines[0] ?? 'auto');
} else {
  note(missing);
}
