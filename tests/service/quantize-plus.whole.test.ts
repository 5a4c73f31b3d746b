import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { evaluateModel } from '../../main/service/evaluate.ts';
import { exportQuantized } from '../../main/service/export.ts';
import { quantizeModel } from '../../main/service/quantize.ts';
import { readRunRecord } from '../../main/service/open-run.ts';
import { plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { budgetForAll } from '../../shared/model-budget.ts';
import { budgetOfBits } from '../../shared/budget.ts';
import type { QuantizeRequest } from '../../shared/requests.ts';
import type { RunRecord } from '../../shared/run-record.ts';
import type { QuantizeSummary } from '../../shared/summaries.ts';
import { DEMO_DESCRIPTION } from '../known-models.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';
import { QUICK_TEXTS, writeTinyModel } from './tiny-model.ts';

const BLOCKS = 2;

let work = '';
let request: QuantizeRequest;
let summary: QuantizeSummary;
let record: RunRecord;
const phases = new Set<string>();
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-test-'));
  const model = await writeTinyModel(join(work, 'model'), { blocks: BLOCKS });
  request = { model, method: 'claq-plus', budget: { bits: 2.12 }, threads: 2, ...QUICK_TEXTS };
  summary = await quantizeModel(
    { ...request, out: join(work, 'run') },
    { onProgress: ({ phase }) => phases.add(phase) },
  );
  record = await recordOf('run');
});
afterAll(() => rm(work, { recursive: true }));

async function recordOf(run: string): Promise<RunRecord> {
  const found = await readRunRecord(join(work, run));
  if (found === undefined) throw new Error(`no record in ${run}`);
  return found;
}

it('records its techniques, the strength that it chose, and the trials', () => {
  expect(record.settings.method).toBe('claq-plus');
  expect(record.settings.plus).toEqual({
    techniques: [
      'allocation',
      'row-scales',
      'row-sensitivity',
      'byte-codebooks',
      'error-reservation',
      'asymmetric',
      'residual',
      'sweeps',
    ],
    strength: 'auto',
    sweeps: 2,
  });
  expect(record.settings.columnOrder).toBeNull();
  const trials = record.strength?.trials ?? [];
  expect(trials.map(({ strength }) => strength)).toEqual([0.25, 0.5]);
  const best = Math.min(...trials.map(({ nll }) => nll));
  const least = trials.find(({ nll, standardError }) => nll - best <= standardError);
  expect(record.strength?.chosen).toBe(least?.strength);
  expect(Object.keys(record.result?.timing ?? {})).toEqual(expect.arrayContaining(['plan', 'strength']));
  expect([...phases]).toEqual(
    expect.arrayContaining([
      'Measuring sensitivity',
      'Surveying columns',
      'Choosing the strength of corrections',
    ]),
  );
});

it('spends the bytes of the plain method’s budget, and not more', () => {
  const model = { ...DEMO_DESCRIPTION, blocks: BLOCKS };
  const allowed = plannedPackedBytes(model, { method: 'claq', budget: budgetForAll(budgetOfBits(2.12)) });
  expect(summary.packedBytes).toBeLessThanOrEqual(allowed);
  expect(summary.packedBytes).toBeGreaterThan(0.999 * allowed);
});

it('goes on with the plans and the strength of the session that was stopped', async () => {
  const out = join(work, 'stopped');
  const controller = new AbortController();
  const error = await thrownBy(() =>
    quantizeModel(
      { ...request, out },
      {
        signal: controller.signal,
        onProgress: ({ phase, detail = '' }) => {
          if (phase === 'Quantizing' && detail.startsWith('block 2 of 2, through o')) controller.abort();
        },
      },
    ),
  );
  expect(error).toMatchObject({ code: 'run/cancelled' });
  const columns = await readFile(join(out, 'columns.json'), 'utf8');
  const stopped = await recordOf('stopped');
  const again = new Set<string>();
  await quantizeModel({ ...request, out }, { onProgress: ({ phase }) => again.add(phase) });
  expect([...again]).not.toContain('Surveying columns');
  expect([...again]).not.toContain('Choosing the strength of corrections');
  expect(await readFile(join(out, 'columns.json'), 'utf8')).toBe(columns);
  const resumed = await recordOf('stopped');
  expect(resumed.strength).toEqual(stopped.strength);
  const ofFirstBlock = ({ matrices }: RunRecord): string[] =>
    matrices.filter(({ block }) => block === 0).map(({ sha256 }) => sha256);
  expect(ofFirstBlock(resumed)).toEqual(ofFirstBlock(stopped));
  expect(resumed.matrices).toHaveLength(record.matrices.length);
  expect(resumed.status).toBe('complete');
});

it('keeps what was decided where it is stopped before the first block is done', async () => {
  const out = join(work, 'stopped-early');
  const controller = new AbortController();
  const stopped = quantizeModel(
    { ...request, out },
    {
      signal: controller.signal,
      onProgress: ({ phase, detail = '' }) => {
        if (phase === 'Quantizing' && detail.startsWith('block 1 of 2, through o')) controller.abort();
      },
    },
  );
  await expect(stopped).rejects.toMatchObject({ code: 'run/cancelled' });
  expect((await recordOf('stopped-early')).matrices.length).toBeLessThan(7);
  const again = new Set<string>();
  await quantizeModel({ ...request, out }, { onProgress: ({ phase }) => again.add(phase) });
  expect([...again]).toContain('Quantizing');
  expect([...again]).not.toContain('Surveying columns');
  expect([...again]).not.toContain('Choosing the strength of corrections');
  const resumed = await recordOf('stopped-early');
  expect(resumed.matrices.map(({ sha256 }) => sha256)).toEqual(record.matrices.map(({ sha256 }) => sha256));
});

it('exports packed, row scales and all, as the run is', async () => {
  const out = join(work, 'packed');
  await exportQuantized({ source: join(work, 'run'), out, target: { format: 'packed', dtype: 'source' } });
  expect(await readdir(out)).toContain('model.safetensors');
  const evaluated = async (model: string): Promise<number> =>
    (await evaluateModel({ model, windows: 2, contextLength: 128 })).perplexity;
  expect(await evaluated(out)).toBeCloseTo(await evaluated(join(work, 'run')), 6);
});
