import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { matrixName } from '../../shared/model.ts';
import { DEMO_MODEL, type Finished, finish, start } from './claq-process.ts';

let work = '';
let demo: Finished;
beforeAll(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), 'claq-demo-')));
  demo = await finish(start('main/cli/demo.ts', [], work));
});
afterAll(() => rm(work, { recursive: true }));

/** The cells of the table's row that begins so. */
function row(name: string): string[] {
  const line = demo.stdout.split('\n').find((each) => each.startsWith(`│ ${name} `)) ?? '';
  return line
    .split('│')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** A run's row: perplexity, nominal and stored bits a weight. */
function figures(name: string): number[] {
  return row(name).slice(1, 4).map(Number);
}

describe('npm run demo', () => {
  it('ends well, on the engine that runs anywhere', () => {
    expect(demo.code).toBe(0);
    expect(demo.stderr).toContain('Engine: WebAssembly');
    expect(demo.stderr).not.toMatch(/error/i);
  });

  it('shows what each budget costs and saves', () => {
    const original = row('original');
    expect(original.slice(2)).toEqual(['16', '16', expect.stringMatching(/^[\d.]+ MB$/), '']);
    const [perplexity = NaN] = original.slice(1).map(Number);
    const [low = NaN, lowNominal = NaN, lowStored = NaN] = figures('2.12');
    const [high = NaN, highNominal = NaN, highStored = NaN] = figures('3.12');
    expect(perplexity).toBeGreaterThan(1);
    expect(high).toBeGreaterThan(perplexity);
    expect(low).toBeGreaterThan(high);
    // Worse than the original, but still a model of its language: random words come to the vocabulary's size.
    expect(low).toBeLessThan(10 * perplexity);
    // As the paper counts: a little over the budget, for shares of small matrices are rounded up to whole weights.
    expect([lowNominal, highNominal].map((bits) => Math.floor(10 * bits) / 10)).toEqual([2.2, 3.1]);
    // Codebooks and the places of reserved weights come on top; on matrices so small they weigh most.
    expect(lowStored).toBeGreaterThan(lowNominal);
    expect(lowStored).toBeLessThan(3);
    expect(highStored).toBeGreaterThan(highNominal);
    expect(highStored).toBeLessThan(5);
  });

  it('names a page that is there', async () => {
    const page = join('runs', 'demo-1', 'outliers.html');
    expect(demo.stdout).toContain(`\n  ${page}\n`);
    expect(await readFile(join(work, page), 'utf8')).toMatch(/^<!doctype html>/i);
  });

  it.each(['2.12', '3.12'])('names an export of %s that opens, with other weights', async (budget) => {
    const folder = join('runs', 'demo-1', budget, 'dense');
    expect(demo.stdout).toContain(`\n  ${folder}\n`);
    const source = await openCheckpoint(DEMO_MODEL);
    const exported = await openCheckpoint(join(work, folder));
    try {
      expect(exported.model).toEqual(source.model);
      expect([...exported.tensors.keys()].toSorted()).toEqual([...source.tensors.keys()].toSorted());
      const name = `${matrixName(0, 'q')}.weight`;
      const [before, after] = [await source.read(name), await exported.read(name)];
      expect(after).toHaveLength(before.length);
      expect(after).not.toEqual(before);
    } finally {
      await source.close();
      await exported.close();
    }
  });
});
