/** A run is made for real, and foretold from what it left behind. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEMO_MODEL } from '../../../main/service/bundled-texts.ts';
import { readRunRecord } from '../../../main/service/open-run.ts';
import { type PreflightQuestion, preflightFolder } from '../../../main/service/preflight/preflight-run.ts';
import { quantizeModel } from '../../../main/service/quantize.ts';
import { type QuantizeChoicesRequest, quantizeChoicesSchema } from '../../../shared/requests.ts';
import type { RunRecord } from '../../../shared/run-record.ts';
import { DEMO_DESCRIPTION } from '../../known-models.ts';

const CHOICES: QuantizeChoicesRequest = {
  budget: { bits: 2.12 },
  calibration: { segments: 6, segmentLength: 256 },
  evaluation: { windows: 3, contextLength: 256 },
  engine: 'wasm',
  threads: 2,
};

let work = '';
let record: RunRecord | undefined;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-foretold-'));
  const out = join(work, 'run');
  await quantizeModel({ model: DEMO_MODEL, out, ...CHOICES });
  record = await readRunRecord(out);
});
afterAll(() => rm(work, { recursive: true }));

function question(made: RunRecord, choices: QuantizeChoicesRequest = CHOICES): PreflightQuestion {
  return {
    choices: quantizeChoicesSchema.parse(choices),
    engine: { name: 'wasm', description: made.engine.backend },
    forwardPrecision: made.engine.forwardPrecision,
    threads: made.engine.threads,
    hostMemory: undefined,
    gpuMemory: null,
    runsFolder: work,
    runs: [{ label: 'run 1', model: DEMO_DESCRIPTION, record: made }],
    exports: [],
    measured: undefined,
  };
}

it("foretells the parts of a run's record from it, and its bytes to within 3 %", async () => {
  if (record?.result === undefined || record.result === null) throw new Error('the run is not complete');
  const { result } = record;
  const preflight = await preflightFolder(DEMO_MODEL, question(record));
  expect(preflight.time.source).toBe('run 1 on this machine');
  const recorded = [
    'Forward pass',
    'Hessians',
    'Factorization',
    'Choice of widths',
    'Columns',
    'Perplexity of the result',
  ];
  const foretold = preflight.time.parts
    .filter(({ name }) => recorded.includes(name))
    .reduce((sum, { seconds }) => sum + seconds, 0);
  const took = Object.values(result.timing).reduce((sum, seconds) => sum + seconds, 0);
  expect(foretold / took).toBeGreaterThan(0.6);
  expect(foretold / took).toBeLessThan(1.4);
  // The choice by benefit spends what the budget has, and not more.
  expect(preflight.packedBytes).toBeGreaterThanOrEqual(result.packedBytes);
  expect(preflight.packedBytes).toBeLessThan(1.03 * result.packedBytes);
  expect(preflight.sourceBytes).toBe(result.sourceBytes);
  expect(preflight.budget).toBe(record.settings.budget);
});

it('foretells the exact bytes where all columns have one width', async () => {
  if (record === undefined) throw new Error('there is no record');
  const choices: QuantizeChoicesRequest = { ...CHOICES, budget: { bits: 3 }, evaluation: { windows: 0 } };
  const out = join(work, 'three');
  const { packedBytes, storedBits, nominalBits } = await quantizeModel({
    model: DEMO_MODEL,
    out,
    ...choices,
  });
  const preflight = await preflightFolder(DEMO_MODEL, question(record, choices));
  expect(preflight).toMatchObject({ packedBytes, storedBits, nominalBits });
});
