/**
 * npm run bench:quality [-- --only matrices|codebooks|smollm2|demo|plus ... --bits 2.12 ... --order outlier|benefit ...
 *   --stored 2.45 ... --model demo|smollm2 ... --ablation --row asymmetric ...]
 * `--bits` and `--order` choose among the runs of SmolLM2, which take minutes each; `--stored` and `--model` among
 * those of `plus`, with every technique alone and left out where `--ablation` asks for them, or of those rows the ones whose names have
 * one of the texts in them. Flags with values may be repeated.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startEngine } from '../main/engine/start-engine.ts';
import { benchByteCodebooks } from './byte-codebooks.ts';
import { benchDemoModel, onDemoModel } from './demo-model.ts';
import { ABLATION, ENDS, benchPlus } from './plus.ts';
import { benchColumnErrors, benchMatrixLosses } from './matrix-quality.ts';
import { missingReference, missingSmollm2 } from './reference-data.ts';
import { note, section } from './report.ts';
import { benchSmollm2, onSmollm2 } from './smollm2.ts';

const PARTS = ['matrices', 'codebooks', 'smollm2', 'demo', 'plus'] as const;

/** What 2.12 comes to with the demo model's small matrices. */
const DEMO_STORED_BITS = 2.59;

const options = z.object({
  only: z.array(z.enum(PARTS)).default([...PARTS]),
  bits: z.array(z.coerce.number().min(1).max(8)).default([2.12, 3.12, 4]),
  stored: z.array(z.coerce.number().min(1).max(8)).default([2.45, 2.09, 3.18]),
  model: z.array(z.enum(['demo', 'smollm2'])).default(['demo', 'smollm2']),
  ablation: z.boolean().default(false),
  row: z.array(z.string()).default(['']),
  order: z.array(z.enum(['outlier', 'benefit'])).default(['outlier', 'benefit']),
});

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    bits: { type: 'string', multiple: true },
    order: { type: 'string', multiple: true },
    stored: { type: 'string', multiple: true },
    model: { type: 'string', multiple: true },
    ablation: { type: 'boolean' },
    row: { type: 'string', multiple: true },
  },
});
const { only, bits, order, stored, model: models, ablation, row } = options.parse(values);
const noReference = missingReference();
const noModel = missingSmollm2();

section('Quality');
for (const line of [noReference, noModel]) if (line !== undefined) note(line);
const engine = await startEngine();
try {
  if (only.includes('matrices') && noReference === undefined) await benchMatrixLosses(engine.pool);
  if (only.includes('codebooks')) await benchByteCodebooks(engine.pool);
  if (only.includes('codebooks') && noReference === undefined) await benchColumnErrors(engine.pool);
  if (only.includes('demo')) await benchDemoModel(engine.pool);
  if (only.includes('smollm2') && noReference === undefined && noModel === undefined) {
    await benchSmollm2(engine.pool, bits, order);
  }
  if (only.includes('plus')) {
    const rows = (ablation ? ABLATION : ENDS).filter(({ label }) => row.some((text) => label.includes(text)));
    if (models.includes('demo')) {
      await onDemoModel(engine.pool, async (model, title) => {
        await benchPlus(`${title}, near ${DEMO_STORED_BITS} stored bits`, model, DEMO_STORED_BITS, rows);
      });
    }
    if (models.includes('smollm2') && noReference === undefined && noModel === undefined) {
      await onSmollm2(engine.pool, async (model, title) => {
        for (const each of stored) await benchPlus(`${title}, near ${each} stored bits`, model, each, rows);
      });
    }
  }
} finally {
  await engine.stop();
}
