/** Inspect in a real browser, on the fake service. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { columnsCsv } from '../../../renderer/inspect/inspect-csv.ts';
import { columnRanks, loadedMatrix, outliersAt } from '../../../renderer/inspect/loaded-matrix.ts';
import { outlierRatio, outlierSum } from '../../../renderer/inspect/measured.ts';
import {
  matrixAddressSchema,
  type MatrixOverview,
  type StatisticsEvent,
} from '../../../shared/statistics.ts';
import { MATRIX_KINDS, type MatrixKind } from '../../../shared/model.ts';
import { nearestLevel } from '../../../shared/outlier-levels.ts';
import { readablePercent } from '../../../shared/readable-quantities.ts';
import { suggestedS } from '../../../shared/suggested-s.ts';
import { fakeEntry, fakeOverview, type FakeMatrix } from '../fake-columns.ts';
import type { FakeService } from '../fake-service.ts';
import { matrixStatistics } from '../fake-statistics.ts';
import { type Window, axeFindings, openWindow } from '../run/open-page.ts';
import { DEMO, DEMO_MATRICES, demoModel, openInspect, save } from './open-inspect.ts';

let window: Window;
beforeAll(async () => {
  window = await openWindow();
});
afterAll(() => window.close());

function fakeMatrix(service: FakeService, block: number, kind: MatrixKind): FakeMatrix {
  return { description: demoModel(service).description, block, kind };
}

function overviews(service: FakeService): MatrixOverview[] {
  return Array.from({ length: DEMO_MATRICES }, (_, at) =>
    fakeOverview(fakeMatrix(service, Math.floor(at / 7), MATRIX_KINDS[at % 7] ?? 'q')),
  );
}

const summaryText = async (page: Page): Promise<string> =>
  (await page.getByRole('region', { name: 'Outliers of the model' }).innerText()).replaceAll(/\s+/g, ' ');

describe('measuring', () => {
  it('of a large model waits for the button, can be cancelled and gone on with', async () => {
    const { page, service, faults, close } = await window.open({
      scenario: 'demo',
      path: '/models/2/inspect',
      prepare: ({ state }) => {
        state.models = state.models.map((model) => ({ ...model, bytes: 3e9 }));
        state.walkTicks = 3600;
      },
    });
    await page.getByText('Not measured yet').waitFor();
    expect(service.state.activities).toEqual([]);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Measure', exact: true }).press('Enter');
    await page.getByRole('progressbar', { name: 'Measuring SmolLM2-135M-Instruct' }).waitFor();
    await page.getByRole('grid', { name: /Outlier ratio/ }).waitFor();
    await page.getByRole('button', { name: 'Cancel measuring' }).press('Enter');
    await page.getByText(/of 210 matrices are measured/).waitFor();
    await page.getByRole('button', { name: 'Measure the rest' }).press('Enter');
    await page.getByRole('progressbar', { name: 'Measuring SmolLM2-135M-Instruct' }).waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  it('of a small model begins by itself', async () => {
    const { page, service, close } = await window.open({ scenario: 'demo', path: '/models/1/inspect' });
    await page.getByText(/of all entries/).waitFor();
    expect(service.state.measured.get(DEMO)).toBe(DEMO_MATRICES);
    await close();
  });

  it('that fails says why, and is tried again', async () => {
    const { page, service, close } = await window.open({
      scenario: 'demo',
      path: '/models/1/inspect',
      prepare: ({ state }) => void state.unreadable.add(DEMO),
    });
    await page.getByText('The weights cannot be read').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    const before = service.state.activities.filter(({ kind }) => kind === 'measure');
    await page.getByRole('alert').getByRole('button', { name: 'Try again' }).press('Enter');
    await expect.poll(() => service.state.activities.some(({ id }) => id === before[0]?.id)).toBe(false);
    await close();
  });
});

describe('S', () => {
  it('is the suggested one, and moves with the keys; all figures follow', async () => {
    const { page, service, faults, close } = await openInspect(window);
    const matrices = overviews(service);
    const suggestion = suggestedS(matrices);
    const slider = page.getByRole('slider', { name: 'S', exact: true });
    expect(await slider.getAttribute('aria-valuetext')).toBe(String(suggestion));
    await slider.press('Home');
    await slider.press('ArrowRight');
    expect(await slider.getAttribute('aria-valuetext')).toBe('2.25');
    const sum = outlierSum(matrices, nearestLevel(2.25));
    const text = await summaryText(page);
    expect(text).toContain(`Outlier ratio ${readablePercent(outlierRatio(sum))} of all entries`);
    expect(text).toContain(`Ranked by outliers ${sum.ranked.toLocaleString('en')}`);
    expect(text).toContain(
      `By the tie rule alone ${(sum.columns - sum.ranked).toLocaleString('en')} by the largest |w|`,
    );
    expect(text).toContain(`Suggested S ${suggestion}`);
    await page.waitForURL(/S=2\.25/);
    await page.getByRole('button', { name: `Use ${suggestion}` }).press('Enter');
    expect(await slider.getAttribute('aria-valuetext')).toBe(String(suggestion));
    expect(faults).toEqual([]);
    await close();
  });
});

describe('the layers', () => {
  it('lead to a matrix by keyboard, and back', async () => {
    const { page, service, faults, close } = await openInspect(window, '?S=5');
    const grid = page.getByRole('grid', { name: 'Outlier ratio at S = 5 by layer and matrix' });
    const first = fakeOverview(fakeMatrix(service, 0, 'q'));
    const level = nearestLevel(5);
    const ratio = outlierRatio({ outliers: first.outliers[level] ?? 0, entries: first.rows * first.columns });
    await grid.getByRole('gridcell', { name: `Layer 0, q: ${readablePercent(ratio)}` }).focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'Enter'])
      await page.keyboard.press(key);
    await page.waitForURL(/S=5&layer=3&matrix=k&tab=matrix/);
    await page.getByText('model.layers.3.self_attn.k_proj').waitFor();
    expect(await page.locator('[role=tab]:focus').innerText()).toBe('Matrix');
    await page.goBack();
    await grid.waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  it('are larger and smaller with the keys', async () => {
    const { page, close } = await openInspect(window, '?S=5');
    const grid = page.getByRole('grid', { name: 'Outlier ratio at S = 5 by layer and matrix' });
    const cell = grid.getByRole('gridcell', { name: /^Layer 2, q:/ });
    const height = async (): Promise<number> => (await cell.boundingBox())?.height ?? NaN;
    const usual = await height();
    await cell.focus();
    await page.keyboard.press('+');
    await expect.poll(height).toBeGreaterThan(1.5 * usual);
    await page.keyboard.press('0');
    await expect.poll(height).toBe(usual);
    await page.keyboard.press('-');
    await expect.poll(height).toBeLessThan(0.7 * usual);
    expect(await cell.innerText()).toBe('');
    expect(await page.getByRole('button', { name: 'Smaller cells (−)' }).first().isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Larger cells (+)' }).first().click();
    await expect.poll(height).toBe(usual);
    await close();
  });

  it('are asked for again where the weights are others', async () => {
    const { page, service, close } = await openInspect(window, '?S=5&layer=3&matrix=q&tab=column&column=7');
    await page.getByText('8 centroids of 3 bits').waitFor();
    service.state.measured.set(DEMO, 0);
    const overview: StatisticsEvent = {
      kind: 'overview',
      measuring: null,
      total: DEMO_MATRICES,
      matrices: [],
    };
    service.state.statisticsEvents.send({ id: demoModel(service).id, event: overview });
    service.state.changes.send({ topic: 'statistics' });
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.getByText('8 centroids of 3 bits').waitFor();
    await close();
  });

  it('stand beside the losses of a run', async () => {
    const { page, close } = await openInspect(window);
    const grid = page.getByRole('grid', { name: 'Loss a weight by layer and matrix' });
    await grid.getByRole('gridcell', { name: /^Layer 5, down: .* a weight$/ }).waitFor();
    await close();
  });
});

describe('a matrix', () => {
  it('says what its top columns hold', async () => {
    const { page, service, close } = await openInspect(window, '?S=5&layer=3&matrix=q&tab=matrix');
    const { outliers, columns } = statistics(service, 3, 'q', 5);
    const sorted = [...outliers].sort((a, b) => b - a);
    const slider = page.getByRole('slider', { name: 'Top columns in Outlier Order' });
    await slider.press('Home');
    for (let step = 0; step < 19; step++) await slider.press('ArrowRight');
    const head = Math.round(0.02 * columns);
    const share =
      sorted.slice(0, head).reduce((sum, count) => sum + count, 0) /
      sorted.reduce((sum, count) => sum + count, 0);
    await page
      .getByText(`The top 2 % of columns (${head}) hold ${readablePercent(share)} of the outliers.`)
      .waitFor();
    await close();
  });

  it('has its columns as CSV, and its picture as SVG and PNG', async () => {
    const { page, service, faults, close } = await openInspect(window, '?S=5&layer=3&matrix=q&tab=matrix');
    await page.getByRole('img', { name: /^Sorted outlier ratio/ }).waitFor();
    const csv = await save(page, 'the sorted outlier ratios', 'Figures as CSV');
    expect(csv.suggestedFilename()).toBe('Demo-model-layer3-q-outlier-ratio-S5.csv');
    const { outliers, ranks, rows } = statistics(service, 3, 'q', 5);
    const matrix = { block: 3, kind: 'q' as const, rows, outliers, ranks };
    expect(await readFile(await csv.path(), 'utf8')).toBe(columnsCsv([matrix], 5));

    const svg = await save(page, 'the sorted outlier ratios', 'Picture as SVG');
    const text = await readFile(await svg.path(), 'utf8');
    expect(text.startsWith('<svg')).toBe(true);
    expect(text).toContain('Outlier ratio at S = 5 (% of a column)');

    const png = await save(page, 'the map', 'Picture as PNG');
    expect(png.suggestedFilename()).toBe('Demo-model-layer3-q-positions-S5.png');
    const bytes = await readFile(await png.path());
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    expect(bytes.readUInt32BE(16)).toBeGreaterThan(800);
    expect(faults).toEqual([]);
    await close();
  });

  it('is zoomed by keyboard until entries are read, and opens a column', async () => {
    const { page, service, faults, close } = await openInspect(window, '?S=5&layer=3&matrix=q&tab=matrix');
    const map = page.getByRole('application', { name: /^Map of layer 3, q: the top 10 % of columns$/ });
    await map.focus();
    for (let step = 0; step < 3; step++) await page.keyboard.press('+');
    const near = page.getByRole('application', { name: 'Map of layer 3, q: each entry’s size' });
    await near.waitFor();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    const value = Math.abs(fakeEntry(fakeMatrix(service, 3, 'q'), 97, 97));
    await page.getByText(`Row 97, column 97: ${value.toFixed(2)} × mean |W|`).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/tab=column&column=97/);
    await page.getByRole('img', { name: /^Weights of column 97 of layer 3, q: 192 entries/ }).waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  it('is compared with the other matrices of its layer', async () => {
    const { page, close } = await openInspect(window, '?S=5&layer=3&matrix=q&tab=matrix');
    await page.getByRole('button', { name: 'The whole layer' }).press('Enter');
    await page.getByRole('img', { name: /^Sorted outlier ratio .*Layer 3, q: .*Layer 3, down: / }).waitFor();
    await page.getByRole('button', { name: 'Leave out Layer 3, down' }).press('Enter');
    await page.getByRole('img', { name: /Layer 3, up: [^;]*$/ }).waitFor();
    await page.getByRole('slider', { name: 'Top columns in Outlier Order' }).press('Home');
    // The address keeps both.
    await page.waitForURL(/compare=3\.k.*3\.up&top=0\.1$/);
    await page.reload();
    await page
      .getByRole('img', { name: /^Sorted outlier ratio .*Layer 3, q: .*Layer 3, up: [^;]*$/ })
      .waitFor();
    await page.getByText('The top 0.1 % of columns').first().waitFor();
    await close();
  });
});

describe('a column', () => {
  it('is the first in Outlier Order, and the keys lead along it', async () => {
    const { page, service, faults, close } = await openInspect(window, '?S=5&layer=3&matrix=q&tab=column');
    const { order } = statistics(service, 3, 'q', 5).ranks;
    await page.getByText(`Column ${order[0]} is number 1 of 192 in Outlier Order.`).waitFor();
    await page.getByRole('tab', { name: 'Column' }).press('n');
    await page.keyboard.press('n');
    await page.getByText(`Column ${order[2]} is number 3 of 192`).waitFor();
    await page.keyboard.press('p');
    await page.getByText(`Column ${order[1]} is number 2 of 192`).waitFor();
    await page.getByRole('spinbutton', { name: 'Column' }).fill('7');
    await page.getByText(/Column 7 is number \d+ of 192/).waitFor();
    await page.waitForURL(/column=7$/);
    expect(faults).toEqual([]);
    await close();
  });

  it('shows a codebook of a width, and what would be reserved', async () => {
    const { page, close } = await openInspect(window, '?S=5&layer=3&matrix=q&tab=column&column=7');
    await page.getByText('8 centroids of 3 bits').waitFor();
    await page.getByRole('radio', { name: '4', exact: true }).check({ force: true });
    await page.getByText('16 centroids of 4 bits').waitFor();
    const slider = page.getByRole('slider', { name: 'Reserved at each tail' });
    // 2 % of 192 entries.
    for (let step = 0; step < 8; step++) await slider.press('ArrowRight');
    await page.getByText('8 entries are reserved, 4 at each tail').waitFor();
    const csv = await save(page, 'the histogram', 'Figures as CSV');
    expect(csv.suggestedFilename()).toBe('Demo-model-layer3-q-column7-histogram.csv');
    const bins = (await readFile(await csv.path(), 'utf8')).trim().split('\r\n').slice(1);
    expect(bins.reduce((sum, line) => sum + Number(line.split(',')[2]), 0)).toBe(192);
    const picture = await save(page, 'the errors by width', 'Picture as SVG');
    expect(picture.suggestedFilename()).toBe('Demo-model-layer3-q-column7-widths.svg');
    const svg = await readFile(await picture.path(), 'utf8');
    expect(svg).toContain('>Demo model: layer 3, q, column 7</text>');
    expect(svg).toContain('>8 bits</text>');
    await close();
  });
});

describe('every tab', () => {
  it.each([
    ['layers', 'light'],
    ['layers', 'dark'],
    ['matrix', 'light'],
    ['matrix', 'dark'],
    ['column', 'light'],
    ['column', 'dark'],
  ] as const)('has nothing that axe objects to: %s, %s', async (tab, theme) => {
    const { page, faults, close } = await openInspect(window, `?S=5&layer=3&matrix=q&tab=${tab}`, theme);
    await page.getByRole('img').locator('canvas').first().waitFor();
    expect(await axeFindings(page)).toEqual([]);
    expect(faults).toEqual([]);
    await close();
  });
});

/** What the window computes of a matrix, from what the service tells. */
function statistics(
  service: FakeService,
  block: number,
  kind: MatrixKind,
  s: number,
): { outliers: Uint32Array; ranks: ReturnType<typeof columnRanks>; rows: number; columns: number } {
  const address = matrixAddressSchema.parse({ id: DEMO, block, kind });
  const matrix = loadedMatrix(matrixStatistics(service.state, demoModel(service), address));
  const level = nearestLevel(s);
  const { rows, columns } = matrix;
  return { outliers: outliersAt(matrix, level), ranks: columnRanks(matrix, level), rows, columns };
}
