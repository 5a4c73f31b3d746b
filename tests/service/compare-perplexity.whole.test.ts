import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { type Engine, startEngine } from '../../main/engine/start-engine.ts';
import { comparePerplexity } from '../../main/service/compare-perplexity.ts';
import type { ComparedPerplexity } from '../../shared/exports.ts';
import { matrixName, matrixShape } from '../../shared/model.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';
import { writeTinyModel } from './tiny-model.ts';

let work = '';
let model = '';
let written = '';
let engine: Engine;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-compare-'));
  model = await writeTinyModel(join(work, 'model'));
  written = join(work, 'written');
  await cp(model, written, { recursive: true });
  engine = await startEngine({ engine: 'wasm', threads: 1 });
});
afterAll(async () => {
  await engine.stop();
  await rm(work, { recursive: true });
});

/** @param factor what the second matrix of the first block is multiplied with in what is said to be exported */
async function compare(factor?: number, rounded = false): Promise<ComparedPerplexity> {
  const checkpoint = await openCheckpoint(model);
  try {
    const { rows, columns } = matrixShape(checkpoint.model, 'up');
    const changed = new Float32Array(rows * columns).fill(factor ?? 0);
    const name = `${matrixName(0, 'up')}.weight`;
    const quantized = (asked: string): Promise<Float32Array | undefined> =>
      Promise.resolve(factor !== undefined && asked === name ? changed : undefined);
    return await comparePerplexity({ checkpoint, replacements: { quantized }, written, rounded }, {});
  } finally {
    await checkpoint.close();
  }
}

it('is the same to the last bit where the weights are', async () => {
  const { windows, contextLength, expected, found } = await compare();
  expect([windows, contextLength]).toEqual([2, 128]);
  expect(found).toBe(expected);
  expect(found).toBeGreaterThan(1);
});

it('fails where a matrix is another', async () => {
  expect(await thrownBy(() => compare(1, true))).toMatchObject({
    code: 'output/verification-failed',
    message: 'The written model has another perplexity',
    where: written,
  });
});

it('fails where the tokenizer gives other tokens, before anything is computed', async () => {
  const path = join(written, 'tokenizer.json');
  const original = await readFile(path, 'utf8');
  const swapped = swapTokens(original);
  expect(swapped).not.toBe(original);
  await writeFile(path, swapped);
  try {
    expect(await thrownBy(() => compare())).toMatchObject({
      code: 'output/verification-failed',
      message: "The written model's tokenizer gives other tokens",
    });
  } finally {
    await writeFile(path, original);
  }
});

/** The ids of two common letters, one in the place of the other. */
function swapTokens(tokenizer: string): string {
  const id = (token: string): string => new RegExp(`"${token}":\\s*(\\d+)`).exec(tokenizer)?.[1] ?? '';
  const [e, t] = [id('e'), id('t')];
  return tokenizer.replace(/"e":\s*\d+/, `"e":${t}`).replace(/"t":\s*\d+/, `"t":${e}`);
}
