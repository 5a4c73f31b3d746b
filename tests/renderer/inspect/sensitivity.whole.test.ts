/** The sensitivity on Inspect, in a real browser, on the fake service. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sensitivityCsv } from '../../../renderer/inspect/inspect-csv.ts';
import { fakeSensitivity } from '../fake-sensitivity.ts';
import { type Window, axeFindings, openWindow } from '../run/open-page.ts';
import { DEMO, demoModel, openInspect, save } from './open-inspect.ts';

let window: Window;
beforeAll(async () => {
  window = await openWindow();
});
afterAll(() => window.close());

describe('the sensitivity', () => {
  it('is measured where it is asked for, and shown by keyboard and to screen readers', async () => {
    const { page, service, faults, close } = await openInspect(window);
    service.state.walkTicks = 60;
    await page
      .getByRole('group', { name: 'What the map shows' })
      .getByRole('radio', { name: 'Outlier ratio' })
      .press('ArrowRight');
    await page.waitForURL(/map=sensitivity$/);
    await page.getByText('Sensitivity is not measured yet').waitFor();
    await page.getByText(/a forward and a backward pass .* 2,048 tokens/).waitFor();
    await page.getByRole('button', { name: 'Measure sensitivity' }).press('Enter');
    await page.getByRole('progressbar', { name: 'Measuring the sensitivity of Demo model' }).waitFor();
    await page.getByText(/^block \d of 6$/).waitFor();
    const grid = page.getByRole('grid', { name: 'Sensitivity by layer and matrix' });
    await grid.waitFor();
    await page.getByText('mean squared gradient at the layer’s output, logarithmic scale').waitFor();
    await page.getByText('Over 2,044 tokens in 4 segments of calibration.txt; WebAssembly').waitFor();

    const { matrices } = fakeSensitivity(demoModel(service));
    const found = matrices.find(({ block, kind }) => block === 2 && kind === 'k');
    const figure = (found?.mean ?? 0).toExponential(1).replace('e-', 'e−');
    await grid.getByRole('gridcell', { name: /^Layer 0, q: / }).focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
    expect(await page.locator('[role=gridcell]:focus').getAttribute('aria-label')).toBe(
      `Layer 2, k: ${figure}`,
    );
    await page.keyboard.press('Enter');
    await page.waitForURL(/layer=2&matrix=k&tab=matrix&map=sensitivity/);
    expect(faults).toEqual([]);
    await close();
  });

  it('can be called off, and is measured again', async () => {
    const { page, service, faults, close } = await openInspect(window, '?map=sensitivity');
    service.state.walkTicks = 3600;
    await page.getByRole('button', { name: 'Measure sensitivity' }).press('Enter');
    await page.getByRole('button', { name: 'Cancel measuring the sensitivity' }).press('Enter');
    await page.getByText('Sensitivity is not measured yet').waitFor();
    service.state.walkTicks = 30;
    await page.getByRole('button', { name: 'Measure sensitivity' }).press('Enter');
    await page.getByRole('grid', { name: 'Sensitivity by layer and matrix' }).waitFor();
    service.state.walkTicks = 3600;
    await page.getByRole('button', { name: 'Measure again' }).press('Enter');
    await page.getByRole('progressbar', { name: 'Measuring the sensitivity of Demo model' }).waitFor();
    // What was known stays.
    await page.getByRole('grid', { name: 'Sensitivity by layer and matrix' }).waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  it('that cannot be measured says why', async () => {
    const { page, service, close } = await openInspect(window, '?map=sensitivity');
    service.state.unreadable.add(DEMO);
    await page.getByRole('button', { name: 'Measure sensitivity' }).press('Enter');
    await page.getByText('The weights cannot be read').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await close();
  });

  it('needs no columns to be measured', async () => {
    const { page, close } = await window.open({
      scenario: 'demo',
      path: '/models/2/inspect?map=sensitivity',
      prepare: ({ state }) => {
        state.models = state.models.map((model) => ({ ...model, bytes: 3e9 }));
        state.sensed.add(2);
      },
    });
    await page.getByRole('grid', { name: 'Sensitivity by layer and matrix' }).waitFor();
    await page.getByRole('button', { name: 'Measure', exact: true }).waitFor();
    await close();
  });

  it('is saved as CSV and as a picture', async () => {
    const { page, service, faults, close } = await openInspect(window, '?map=sensitivity', 'light', true);
    const csv = await save(page, 'the sensitivities', 'Figures as CSV');
    expect(csv.suggestedFilename()).toBe('Demo-model-sensitivity.csv');
    const { matrices } = fakeSensitivity(demoModel(service));
    expect(await readFile(await csv.path(), 'utf8')).toBe(sensitivityCsv(matrices));
    const svg = await save(page, 'the sensitivities', 'Picture as SVG');
    const text = await readFile(await svg.path(), 'utf8');
    expect(text).toContain('Demo model: sensitivity');
    expect(text).toContain('mean squared gradient at the layer’s output, logarithmic scale');
    expect(faults).toEqual([]);
    await close();
  });

  it.each([
    ['measured', 'light'],
    ['measured', 'dark'],
    ['not measured', 'light'],
    ['not measured', 'dark'],
    ['measuring', 'light'],
    ['measuring', 'dark'],
  ] as const)('has nothing that axe objects to: %s, %s', async (state, theme) => {
    const isSensed = state === 'measured';
    const { page, service, faults, close } = await openInspect(window, '?map=sensitivity', theme, isSensed);
    if (isSensed) await page.getByRole('button', { name: 'Measure again' }).waitFor();
    else await page.getByText('Sensitivity is not measured yet').waitFor();
    if (state === 'measuring') {
      service.state.walkTicks = 3600;
      await page.getByRole('button', { name: 'Measure sensitivity' }).press('Enter');
      await page.getByText(/^block 1 of 6$/).waitFor();
      const line = await page.getByRole('region', { name: 'Measuring' }).boundingBox();
      const button = page.getByRole('button', { name: 'Cancel measuring the sensitivity' });
      const box = await button.boundingBox();
      // Within its card, which is half as wide as the page.
      expect((box?.x ?? NaN) + (box?.width ?? NaN)).toBeLessThan((line?.x ?? NaN) + (line?.width ?? NaN));
    }
    await page.getByRole('img').locator('canvas').first().waitFor();
    expect(await axeFindings(page)).toEqual([]);
    expect(faults).toEqual([]);
    await close();
  });
});
