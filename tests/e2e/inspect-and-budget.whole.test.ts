/** Outliers and budgets in a real browser, on the real service and engine: what the screens say is what the weights and the run are. */
import { mkdtemp, readFile, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { inEngineThread } from '../../main/service/engine-thread/run-in-thread.ts';
import { openSafetensors } from '../../main/engine/checkpoint/safetensors-file.ts';
import { MATRIX_KINDS, matrixName, matrixShape } from '../../shared/model.ts';
import { readablePercent } from '../../shared/readable-quantities.ts';
import { runRecordSchema } from '../../shared/run-record.ts';
import { plainStatistics } from '../oracle/column-statistics.ts';
import { launchBrowser } from './browser.ts';
import { type ServedStudio, serveStudio } from './served-studio.ts';

const DEMO_FOLDER = fileURLToPath(new URL('../../resources/demo-model/model', import.meta.url));
/** A machine may be busy. */
const LONG = { timeout: 180_000 };

let data: string;
let studio: ServedStudio;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  data = await realpath(await mkdtemp(join(tmpdir(), 'claq-e2e-')));
  studio = await serveStudio(data);
  browser = await launchBrowser();
  const context = await browser.newContext({
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 900 },
  });
  page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(studio.url);
  await page.getByRole('button', { name: 'Try the demo model' }).click();
  await page.waitForURL(/\/models\/1\/run$/);
});
afterAll(async () => {
  await browser.close();
  await studio.stop();
  await rm(data, { recursive: true });
});

async function go(path: string): Promise<void> {
  await page.goto(new URL(path, studio.url).href);
}

/** Of a named part of the screen, with single spaces. */
async function textOf(name: string): Promise<string> {
  const text = await page.getByRole('region', { name, exact: true }).innerText();
  return text.replaceAll(/\s+/g, ' ');
}

/** The demo model's outliers at these S, by their definition. */
async function countOutliers(sValues: readonly number[]): Promise<{ ratios: number[]; ranked: number[] }> {
  const checkpoint = await openCheckpoint(DEMO_FOLDER);
  const { model } = checkpoint;
  const outliers = sValues.map(() => 0);
  const ranked = sValues.map(() => 0);
  let weights = 0;
  for (let block = 0; block < model.blocks; block++) {
    for (const kind of MATRIX_KINDS) {
      const shape = matrixShape(model, kind);
      const values = await checkpoint.read(`${matrixName(block, kind)}.weight`);
      const statistics = plainStatistics(values, shape, sValues);
      weights += values.length;
      for (const [level, counts] of statistics.outliers.entries()) {
        outliers[level] = (outliers[level] ?? 0) + counts.reduce((sum, count) => sum + count, 0);
        ranked[level] = (ranked[level] ?? 0) + counts.filter((count) => count > 0).length;
      }
    }
  }
  await checkpoint.close();
  return { ratios: outliers.map((count) => count / weights), ranked };
}

describe('inspecting and budgeting the demo model', () => {
  it('measures by itself, and shows the outliers that the weights have', async () => {
    const { ratios, ranked } = await countOutliers([5, 5.25]);
    await go('/models/1/inspect?S=5');
    await page.getByText('of all entries', { exact: true }).waitFor(LONG);
    const shown = (level: number): string[] => [
      readablePercent(ratios[level] ?? 0),
      (ranked[level] ?? 0).toLocaleString('en'),
    ];
    const figures = (): Promise<string> => textOf('Outliers of the model');
    for (const figure of shown(0)) expect(await figures()).toContain(figure);
    await page.getByRole('slider', { name: 'S', exact: true }).press('ArrowRight');
    for (const figure of shown(1)) await expect.poll(figures).toContain(figure);
  });

  it('shows the sensitivity that gradients on the bundled text have, and keeps it', async () => {
    const { matrices } = await inEngineThread('sensitivity', { model: DEMO_FOLDER });
    await go('/models/1/inspect?map=sensitivity');
    await page.getByRole('button', { name: 'Measure sensitivity' }).press('Enter');
    const grid = page.getByRole('grid', { name: 'Sensitivity by layer and matrix' });
    await grid.waitFor(LONG);
    const expected = matrices.map(
      ({ block, kind, mean }) => `Layer ${block}, ${kind}: ${mean.toExponential(1).replace('e-', 'e−')}`,
    );
    const shown = async (): Promise<(string | null)[]> =>
      Promise.all((await grid.getByRole('gridcell').all()).map((cell) => cell.getAttribute('aria-label')));
    expect(await shown()).toEqual(expected);
    await page.reload();
    await grid.waitFor();
    expect(await shown()).toEqual(expected);
  });

  it('shows a column as the weights’ file has it', async () => {
    const checkpoint = await openCheckpoint(DEMO_FOLDER);
    const weights = await checkpoint.read(`${matrixName(1, 'down')}.weight`);
    const shape = matrixShape(checkpoint.model, 'down');
    await checkpoint.close();
    const { maxima, meanMagnitude, variances } = plainStatistics(weights, shape, [5]);
    await go('/models/1/inspect?S=5&layer=1&matrix=down&tab=column&column=7');
    await page.getByText('Weights of column 7').waitFor();
    const figures = await textOf('This column');
    expect(figures).toContain(`Largest |w| ${((maxima[7] ?? 0) / meanMagnitude).toFixed(1)}`);
    expect(figures).toContain(`Deviation ${Math.sqrt(variances[7] ?? 0).toPrecision(3)}`);
  });

  it('says before a run what the run then writes, to the byte, and foretells its loss', async () => {
    await go('/models/1/budget');
    await page.getByText('What it comes to').waitFor();
    await page.getByRole('radio', { name: '2.12', exact: true }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('radio', { name: 'Outlier Order', exact: true }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('slider', { name: 'Average width', exact: true }).press('ArrowRight');
    await page.getByRole('button', { name: 'Analyse' }).click();
    await page.getByText('squared error of the weights').first().waitFor(LONG);
    await expect
      .poll(() => textOf('What it comes to'))
      .toMatch(/Packed matrices [\d.]+ \wB [\d,]+ bytes Packed export [\d.]+ \wB [\d,]+ bytes/);
    const [matrices, whole] = (await textOf('What it comes to')).matchAll(/([\d,]+) bytes/g);

    await page.getByRole('button', { name: 'New run with it' }).click();
    await page.getByText('Quick look', { exact: true }).click();
    await page.getByRole('button', { name: 'Quantize' }).click();
    await page.waitForURL(/\/runs\/\d+$/);
    await page.getByText('Complete', { exact: true }).first().waitFor(LONG);
    const [folder = ''] = await readdir(join(data, 'runs'));
    const text = await readFile(join(data, 'runs', folder, 'run.json'), 'utf8');
    const record = runRecordSchema.parse(JSON.parse(text));
    expect(record.settings.precision).toMatchObject({ low: 2, high: 4, average: 2.06 });
    expect(record.result?.packedBytes.toLocaleString('en')).toBe(matrices?.[1]);

    await page.getByRole('button', { name: 'Export…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).click();
    await page.getByText(/tensors read back, exact/).waitFor(LONG);
    const packed = await openSafetensors(join(data, 'runs', folder, 'packed', 'model.safetensors'));
    const stored = packed.header.tensors.values().reduce((sum, { bytes }) => sum + bytes, 0);
    await packed.close();
    expect(stored.toLocaleString('en')).toBe(whole?.[1]);

    // The run has calibrated: predictions are in the unit of its loss now.
    await go('/models/1/budget');
    await page.getByText('as GPTQ counts it').waitFor(LONG);
    await page.getByText('the calibration of a run').waitFor();
  });
});
