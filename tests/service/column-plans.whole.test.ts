import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MatrixPlan } from '../../main/engine/plan-model.ts';
import { PLANS_FILE, columnPlans } from '../../main/service/column-plans.ts';
import { MATRIX_KINDS, matrixShape } from '../../shared/model.ts';
import { DEMO_DESCRIPTION } from '../known-models.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claq-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

function plans(): MatrixPlan[] {
  return Array.from({ length: DEMO_DESCRIPTION.blocks }, (_, block) =>
    MATRIX_KINDS.map((kind) => {
      const { rows, columns } = matrixShape(DEMO_DESCRIPTION, kind);
      const tails = Int32Array.from({ length: columns }, (_, column) => (column * 7 + block) % 5);
      return {
        block,
        kind,
        sensitivity: 1e-5 * (block + 1),
        plan: {
          widths: Uint8Array.from({ length: columns }, (_, column) => 1 + ((column + block) % 8)),
          reservedLow: tails,
          reservedHigh: tails,
        },
        rowWeights: Float32Array.from({ length: rows }, (_, row) => 0.5 + (row % 3)),
      };
    }),
  ).flat();
}

function never(): Promise<MatrixPlan[]> {
  throw new Error('they are in the folder');
}

it('are computed once, and then are those in the folder', async () => {
  const made = plans();
  const first = await columnPlans(folder, DEMO_DESCRIPTION, () => Promise.resolve(made));
  expect(await readdir(folder)).toEqual([PLANS_FILE]);
  const again = await columnPlans(folder, DEMO_DESCRIPTION, never);
  for (const { block, kind, plan, rowWeights } of made) {
    expect(first(block, kind)).toEqual({ plan, rowWeights });
    expect(again(block, kind)).toEqual({ plan, rowWeights });
  }
});

it.each([
  ['columns alone', { rowWeights: undefined }],
  ['row weights alone', { plan: undefined }],
])('may be %s', async (_, without) => {
  const made = plans().map((plan) => ({ ...plan, ...without }));
  await columnPlans(folder, DEMO_DESCRIPTION, () => Promise.resolve(made));
  const again = await columnPlans(folder, DEMO_DESCRIPTION, never);
  for (const { block, kind, plan, rowWeights } of made)
    expect(again(block, kind)).toEqual({ plan, rowWeights });
});

it('are not in the folder where they could not be made', async () => {
  const failing = columnPlans(folder, DEMO_DESCRIPTION, () => Promise.reject(new Error('no memory')));
  await expect(failing).rejects.toThrow('no memory');
  expect(await readdir(folder)).toEqual([]);
});

it.each([
  ['that is no JSON', (): string => '{"version":2,'],
  ['of another version', (text: string): string => text.replace('"version":2', '"version":1')],
  ['that lacks a matrix', (text: string): string => text.replace(/,\{"block":1,"kind":"q".*?\}/, '')],
  ['with a column too few', (text: string): string => text.replace(/"widths":"..../, '"widths":"')],
  ['with a row too few', (text: string): string => text.replace(/"rowWeights":"......../, '"rowWeights":"')],
  [
    'with a row that weighs nothing',
    (text: string): string => text.replace(/"rowWeights":"......../, '"rowWeights":"AAAAAAAA'),
  ],
  ['with a width of zero', (text: string): string => text.replace(/"widths":"..../, '"widths":"AAAA')],
])('refuse a file %s', async (_, damage) => {
  await columnPlans(folder, DEMO_DESCRIPTION, () => Promise.resolve(plans()));
  const path = join(folder, PLANS_FILE);
  const text = await readFile(path, 'utf8');
  const damaged = damage(text);
  expect(damaged).not.toBe(text);
  await writeFile(path, damaged);
  await expect(columnPlans(folder, DEMO_DESCRIPTION, never)).rejects.toMatchObject({
    code: 'result/malformed',
    where: path,
  });
});
