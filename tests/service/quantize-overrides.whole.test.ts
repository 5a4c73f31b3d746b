import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { methodSettings } from '../../main/service/method-settings.ts';
import { quantizeModel } from '../../main/service/quantize.ts';
import { nominalBitsOf, plannedClasses, totalBytes } from '../../shared/bits.ts';
import { budgetOfBits } from '../../shared/budget.ts';
import { type ModelBudget, matrixBudget } from '../../shared/model-budget.ts';
import { MATRIX_KINDS, type ModelDescription, matrixShape } from '../../shared/model.ts';
import { plannedMatrixBytes, plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { type QuantizeRequest, quantizeRequestSchema } from '../../shared/requests.ts';
import { type RunRecord, budgetOfRecord, runRecordSchema } from '../../shared/run-record.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';
import { QUICK_TEXTS, writeTinyModel } from './tiny-model.ts';

const OVERRIDES: NonNullable<QuantizeRequest['overrides']> = [
  { layers: '0', budget: { bits: 3.12 } },
  { matrices: ['v', 'down'], budget: { bits: 4 } },
  { layers: '1-2', matrices: ['q'], budget: { apAverage: 2.5, orBits: 0.14 } },
];

let work = '';
let folder = '';
let model: ModelDescription;
let request: QuantizeRequest;
let budget: ModelBudget;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-overrides-'));
  folder = await writeTinyModel(join(work, 'model'), { blocks: 3 });
  const checkpoint = await openCheckpoint(folder);
  await checkpoint.close();
  ({ model } = checkpoint);
  request = {
    model: folder,
    budget: { bits: 2.12 },
    overrides: OVERRIDES,
    columnOrder: 'outlier',
    threads: 2,
    ...QUICK_TEXTS,
    evaluation: { windows: 0 },
  };
  ({ budget } = methodSettings(quantizeRequestSchema.parse(request), model));
});
afterAll(() => rm(work, { recursive: true }));

async function recordOf(run: string): Promise<RunRecord> {
  return runRecordSchema.parse(JSON.parse(await readFile(join(run, 'run.json'), 'utf8')));
}

describe('a run with overrides', () => {
  it('gives every matrix the columns and the bytes of its own budget', async () => {
    const out = join(work, 'run');
    const summary = await quantizeModel({ ...request, out });
    const { matrices, settings } = await recordOf(out);
    expect(matrices).toHaveLength(3 * MATRIX_KINDS.length);
    for (const { block, kind, classes, bytes } of matrices) {
      const own = matrixBudget(budget, block, kind);
      const shape = matrixShape(model, kind);
      expect(classes).toEqual(plannedClasses(shape, own));
      expect(bytes).toBe(totalBytes(plannedMatrixBytes(shape, own, { method: 'claq' })));
    }
    const widths = (block: number, kind: (typeof MATRIX_KINDS)[number]): number[] => [
      ...new Set(
        matrices
          .find((each) => each.block === block && each.kind === kind)
          ?.classes.map(({ width }) => width),
      ),
    ];
    expect([widths(0, 'q'), widths(0, 'v'), widths(1, 'q'), widths(2, 'up')]).toEqual([
      [3, 4],
      [4],
      [2, 4],
      [2, 4],
    ]);
    expect(summary.packedBytes).toBe(plannedPackedBytes(model, { method: 'claq', budget }));
    expect(summary.nominalBits).toBe(nominalBitsOf(matrices));
    expect(summary.budget).toBe('2.12 (AP 2.05 of {2,4} + OR 0.07), 3 overrides');
    expect(settings.budget).toBe(summary.budget);
    expect(budgetOfRecord(settings)).toEqual(budget);
  });

  it('spends no more on any matrix where widths go by benefit', async () => {
    const out = join(work, 'benefit');
    await quantizeModel({ ...request, out, columnOrder: 'benefit' });
    for (const { block, kind, bytes } of (await recordOf(out)).matrices) {
      const planned = plannedMatrixBytes(matrixShape(model, kind), matrixBudget(budget, block, kind), {
        method: 'claq',
      });
      expect(bytes).toBeLessThanOrEqual(totalBytes(planned));
    }
  });

  it('gives gptq widths by matrix', async () => {
    const out = join(work, 'gptq');
    const asked: QuantizeRequest = {
      ...request,
      method: 'gptq',
      columnOrder: undefined,
      budget: { bits: 3 },
      overrides: [{ layers: '1', matrices: ['o'], budget: { bits: 5 } }],
    };
    const summary = await quantizeModel({ ...asked, out });
    const { matrices } = await recordOf(out);
    const found = matrices.filter(({ classes }) => classes.some(({ width }) => width !== 3));
    expect(found.map(({ block, kind, classes }) => [block, kind, classes[0]?.width])).toEqual([[1, 'o', 5]]);
    const settings = methodSettings(quantizeRequestSchema.parse(asked), model);
    expect(summary.packedBytes).toBe(plannedPackedBytes(model, settings));
  });

  it('is taken up with the same overrides alone', async () => {
    const out = join(work, 'stopped');
    const controller = new AbortController();
    const stopped = quantizeModel(
      { ...request, out },
      {
        signal: controller.signal,
        onProgress: ({ detail }) => {
          if (detail === 'block 3 of 3, through o') controller.abort();
        },
      },
    );
    await expect(stopped).rejects.toMatchObject({ code: 'run/cancelled' });
    const others = OVERRIDES.with(1, { matrices: ['v', 'o'], budget: { bits: 4 } });
    expect(await thrownBy(() => quantizeModel({ ...request, out, overrides: others }))).toMatchObject({
      code: 'output/other-run',
      expected: 'settings.overrides.1.matrices.1 down',
      found: 'settings.overrides.1.matrices.1 o',
    });
    await quantizeModel({ ...request, out });
    const whole = (await recordOf(join(work, 'run'))).matrices;
    expect((await recordOf(out)).matrices).toEqual(whole);
  });

  it('reads a record of before there were overrides', async () => {
    const out = join(work, 'older');
    const plain: QuantizeRequest = { ...request, overrides: [] };
    await quantizeModel({ ...plain, out });
    const record = await recordOf(out);
    const { overrides, ...older } = record.settings;
    expect(overrides).toEqual([]);
    // One that was stopped before its end: it is gone on with.
    const unfinished = { ...record, settings: older, status: 'cancelled', result: null, soFar: null };
    await writeFile(join(out, 'run.json'), JSON.stringify(unfinished));
    expect(budgetOfRecord((await recordOf(out)).settings)).toEqual({
      base: budgetOfBits(2.12),
      overrides: [],
    });
    await quantizeModel({ ...plain, out });
    expect((await recordOf(out)).matrices).toEqual(record.matrices);
  });
});
