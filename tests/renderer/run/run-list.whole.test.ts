import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Window, axeFindings, openWindow } from './open-page.ts';

let window: Window;
beforeAll(async () => {
  window = await openWindow();
});
afterAll(() => window.close());

describe('the list of runs', () => {
  const ways: readonly [string, (first: Locator, second: Locator) => Promise<void>][] = [
    ['its button', (first) => first.getByRole('button', { name: 'One place down' }).press('Enter')],
    ['Alt and an arrow key', (first) => first.getByRole('link').press('Alt+ArrowDown')],
    ['dragging', (first, second) => first.dragTo(second)],
  ];
  it.each(ways)('moves a waiting run by %s', async (_, move) => {
    const { page, service, close } = await window.open({ scenario: 'running', path: '/runs' });
    // The service keeps the latest first: its turn comes last.
    const turns = (): number[] =>
      service.state.runs.flatMap(({ id, state }) => (state === 'queued' ? [id] : [])).toReversed();
    expect(turns()).toEqual([21, 22]);
    const entries = page.getByRole('listitem').filter({ hasText: 'Waiting' });
    await move(entries.first(), entries.last());
    await expect.poll(turns).toEqual([22, 21]);
    expect(await entries.first().innerText()).toContain('next');
    expect(await entries.last().innerText()).toContain('1 before it');
    await close();
  });

  it('finds, filters, sorts, and opens a run by keyboard', async () => {
    const { page, close } = await window.open({ scenario: 'demo', path: '/runs' });
    const rows = page.getByRole('grid', { name: 'Runs' }).locator('tbody tr');
    await rows.first().waitFor();
    expect(await rows.count()).toBe(8);
    await page.getByRole('radio', { name: 'Complete 4' }).focus();
    await page.keyboard.press('Space');
    await expect.poll(() => rows.count()).toBe(4);
    await page.getByLabel('Find').fill('llama 2.12');
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByLabel('Find').fill('');
    const perplexities = async (): Promise<number[]> =>
      (await rows.allInnerTexts()).map((text) => Number(/→\s*([\d.]+)/.exec(text)?.[1]));
    await page.getByRole('button', { name: 'Perplexity' }).press('Enter');
    const ascending = await perplexities();
    expect(ascending).toEqual(ascending.toSorted((a, b) => a - b));
    await page.getByRole('button', { name: 'Perplexity' }).press('Enter');
    await expect.poll(perplexities).toEqual(ascending.toReversed());
    await rows.first().press('Enter');
    await page.waitForURL(/\/runs\/\d+$/);
    await close();
  });

  it('says that no run fits, and shows all again', async () => {
    const { page, close } = await window.open({ scenario: 'demo', path: '/runs' });
    await page.getByLabel('Find').fill('no such model');
    await page.getByText('No run fits').waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByRole('grid', { name: 'Runs' }).waitFor();
    await close();
  });

  it('removes a run after a question, with its folder or without', async () => {
    const { page, service, close } = await window.open({ scenario: 'demo', path: '/runs' });
    const before = service.state.runs.length;
    await page
      .getByRole('button', { name: /^Actions:/ })
      .first()
      .press('Enter');
    await page.getByRole('menuitem', { name: 'Remove…' }).press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('switch', { name: 'Delete its folder too' }).press('Space');
    await dialog.getByText('stays as it is').waitFor();
    await dialog.getByRole('button', { name: 'Remove', exact: true }).press('Enter');
    await expect.poll(() => service.state.runs.length).toBe(before - 1);
    await close();
  });

  it('takes in the folder of a run that the command made, by keyboard, and leads to it', async () => {
    const { page, service, faults, close } = await window.open({ scenario: 'demo', path: '/runs' });
    const before = service.state.runs.length;
    const button = page.getByRole('button', { name: 'Add a run’s folder…' });
    await button.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Add a run’s folder' });
    expect(await axeFindings(page)).toEqual([]);
    await page.keyboard.type('/data/models/Qwen3-0.6B');
    await page.keyboard.press('Enter');
    await dialog.getByRole('alert').getByText('This folder is not a run').waitFor();
    expect(service.state.runs).toHaveLength(before);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await page.locator('button:focus', { hasText: 'Add a run’s folder…' }).waitFor();
    await page.keyboard.press('Enter');
    expect(await dialog.getByRole('alert').count()).toBe(0);
    await dialog.getByRole('textbox', { name: 'Folder of the run' }).fill('/data/runs/demo-2.12-1');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/runs\/\d+$/);
    expect(service.state.runs).toHaveLength(before + 1);
    expect(new URL(page.url()).pathname).toBe(`/runs/${service.state.runs[0]?.id ?? NaN}`);
    await page.getByRole('status').getByText('The run of Demo model is in the library').waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  it('leads to the library where there are no runs', async () => {
    const { page, close } = await window.open({ scenario: 'empty', path: '/runs' });
    await page.getByText('No runs yet').waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Library' }).click();
    await page.waitForURL(/\/library$/);
    await close();
  });

  it('says why the list cannot be had', async () => {
    const { page, close } = await window.open({ scenario: 'failing', path: '/runs' });
    await page.getByRole('alert').getByText('The library cannot be read').waitFor();
    await close();
  });

  it.each(['light', 'dark'] as const)('has nothing that axe objects to: %s', async (theme) => {
    const { page, faults, close } = await window.open({ scenario: 'running', path: '/runs', theme });
    await page.getByRole('grid', { name: 'Runs' }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    expect(faults).toEqual([]);
    await close();
  });

  it('changes all its colours at once where motion is reduced, however deep they are inherited', async () => {
    const { page, close } = await window.open({ scenario: 'running', path: '/runs', theme: 'light' });
    await page.getByRole('grid', { name: 'Runs' }).waitFor();
    const colours = await page.evaluate(`(() => {
      const texts = [document.body, ...document.querySelectorAll('td:nth-child(2)')];
      const found = () => [...new Set(texts.map((element) => getComputedStyle(element).color))];
      const light = found();
      document.documentElement.dataset.theme = 'dark';
      return { light, dark: found() };
    })()`);
    expect(colours).toEqual({ light: ['rgb(28, 29, 31)'], dark: ['rgb(232, 233, 235)'] });
    await close();
  });
});
