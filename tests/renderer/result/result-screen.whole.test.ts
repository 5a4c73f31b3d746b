import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { matricesCsv } from '../../../renderer/result/figures-table.ts';
import { type OpenedPage, type Window, axeFindings, openWindow } from '../run/open-page.ts';

let window: Window;
beforeAll(async () => {
  window = await openWindow();
});
afterAll(() => window.close());

/** A complete run of the small Llama. */
async function openResult(theme: 'light' | 'dark' = 'light'): Promise<OpenedPage> {
  const opened = await window.open({ scenario: 'demo', path: '/runs/7', theme });
  await opened.page.getByText('Perplexity, before and after').waitFor();
  return opened;
}

describe('the result of a run', () => {
  it('has perplexity with its protocol, bits, size and time', async () => {
    const { page, faults, close } = await openResult();
    const figures = page.locator('dl').first();
    const text = (await figures.innerText()).replaceAll(/\s+/g, ' ');
    expect(text).toContain('11.80 → 12.15 +2.96 %');
    expect(text).toContain('16 consecutive windows of 512 tokens, 8,176 scored, of evaluation.txt');
    expect(text).toContain('Bits a weight, stored 3.43 3.12 nominal, as the paper counts');
    expect(text).toContain('Packed size 45.5 MB 4.7 times smaller than 212 MB');
    expect(faults).toEqual([]);
    await close();
  });

  it('has the figures behind the picture as a table, and as files', async () => {
    const { page, service, close } = await openResult();
    await page.getByRole('tab', { name: 'Table' }).press('Enter');
    await page.getByRole('tab', { name: 'Table' }).click();
    await page.getByRole('grid', { name: 'Matrices' }).getByText('gate').first().waitFor();

    await page.getByRole('button', { name: 'Save figures' }).press('Enter');
    const download = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: 'Matrices as CSV' }).press('Enter');
    const file = await download;
    expect(file.suggestedFilename()).toBe('SmolLM2-135M-Instruct-3.12.csv');
    const run = service.state.runs.find(({ id }) => id === 7);
    expect(await readFile(await file.path(), 'utf8')).toBe(matricesCsv(run?.matrices ?? []));
    await close();
  });

  it('exports, says how far it is, and lists the export with its folder', async () => {
    const { page, service, close } = await openResult();
    await page.getByRole('button', { name: 'Export…' }).press('Enter');
    const dialog = page.getByRole('dialog');
    // The small one is offered first; its folder inside of the run is named.
    expect(await dialog.getByRole('radio', { name: 'Packed' }).isChecked()).toBe(true);
    expect(await dialog.getByLabel('Folder', { exact: true }).getAttribute('placeholder')).toMatch(
      /\/packed$/,
    );
    await dialog.getByRole('radio', { name: 'GGUF' }).press('Space');
    await dialog.getByLabel('Weights as').selectOption({ label: '8 bits (Q8_0)' });
    await dialog.getByLabel('Folder', { exact: true }).fill('/data/exports/small');
    await dialog.getByRole('button', { name: 'Export', exact: true }).press('Enter');
    await page.getByRole('progressbar', { name: 'Export' }).waitFor();
    await page.getByText('/data/exports/small').waitFor();
    await page.getByText('147 tensors read back, rounded by at most 0.00012; perplexity 21.4').waitFor();
    expect(service.state.runs.find(({ id }) => id === 7)?.exports).toMatchObject([
      { target: { format: 'gguf', dtype: 'q8_0' }, folder: '/data/exports/small' },
    ]);
    await close();
  });

  it('keeps what a cancelled export has written, goes on with it, or deletes it', async () => {
    const { page, service, close } = await openResult();
    await page.getByRole('button', { name: 'Export…' }).press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).press('Enter');
    const entry = page.getByRole('region', { name: 'Packed: export' });
    await entry.getByRole('button', { name: 'Cancel the export' }).press('Enter');
    await entry.getByText('Cancelled. Files that are whole are kept').waitFor();
    expect(await entry.getByRole('progressbar').count()).toBe(0);

    await entry.getByRole('button', { name: 'Go on' }).press('Enter');
    await entry.getByText('Going on with an earlier export: 2 of 4 weights files are there').waitFor();
    await entry.getByRole('button', { name: 'Cancel the export' }).press('Enter');
    expect(service.state.keptExports.size).toBe(1);
    await entry.getByRole('button', { name: 'Delete what is there' }).press('Enter');
    await entry.waitFor({ state: 'detached' });
    expect(service.state.keptExports.size).toBe(0);
    expect(service.state.runs.find(({ id }) => id === 7)?.exports).toEqual([]);
    await close();
  });

  it('is run again with other settings: the form is filled in', async () => {
    const { page, close } = await openResult();
    await page.getByRole('button', { name: 'Change and run again' }).press('Enter');
    await page.waitForURL(/\/models\/2\/run\?from=7$/);
    expect(await page.getByLabel('Or another number').inputValue()).toBe('3.12');
    await close();
  });

  it('is removed after a question, and leaves for the list', async () => {
    const { page, service, close } = await openResult();
    await page.getByRole('button', { name: 'More actions' }).press('Enter');
    await page.getByRole('menuitem', { name: 'Remove…' }).press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Remove and delete' }).press('Enter');
    await page.waitForURL(/\/runs$/);
    expect(service.state.runs.some(({ id }) => id === 7)).toBe(false);
    await close();
  });

  it.each(['light', 'dark'] as const)('has nothing that axe objects to: %s', async (theme) => {
    const { page, close } = await openResult(theme);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('tab', { name: 'Table' }).click();
    await page.getByRole('grid', { name: 'Matrices' }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Export…' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await close();
  });
});
