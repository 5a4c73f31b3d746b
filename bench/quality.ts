/**
 * npm run bench:quality [-- --only matrices|codebooks|smollm2|demo ... --bits 2.12 ... --order outlier|benefit ...]
 * `--bits` and `--order` choose among the runs of SmolLM2, which take minutes each; every flag may be repeated.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startEngine } from '../main/engine/start-engine.ts';
import { benchDemoModel } from './demo-model.ts';
import { benchColumnErrors, benchMatrixLosses } from './matrix-quality.ts';
import { missingReference, missingSmollm2 } from './reference-data.ts';
import { note, section } from './report.ts';
import { benchSmollm2 } from './smollm2.ts';

const PARTS = ['matrices', 'codebooks', 'smollm2', 'demo'] as const;

const options = z.object({
  only: z.array(z.enum(PARTS)).default([...PARTS]),
  bits: z.array(z.coerce.number().min(1).max(8)).default([2.12, 3.12, 4]),
  order: z.array(z.enum(['outlier', 'benefit'])).default(['outlier', 'benefit']),
});

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    bits: { type: 'string', multiple: true },
    order: { type: 'string', multiple: true },
  },
});
const { only, bits, order } = options.parse(values);
const noReference = missingReference();
const noModel = missingSmollm2();

section('Quality');
for (const line of [noReference, noModel]) if (line !== undefined) note(line);
const engine = await startEngine();
try {
  if (only.includes('matrices') && noReference === undefined) await benchMatrixLosses(engine.pool);
  if (only.includes('codebooks') && noReference === undefined) await benchColumnErrors(engine.pool);
  if (only.includes('demo')) await benchDemoModel(engine.pool);
  if (only.includes('smollm2') && noReference === undefined && noModel === undefined) {
    await benchSmollm2(engine.pool, bits, order);
  }
} finally {
  await engine.stop();
}
