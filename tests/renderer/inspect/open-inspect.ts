/** Inspect of the demo model in a real browser, on the fake service: what its tests share. */
import type { Download, Page } from 'playwright-core';
import type { ModelCard } from '../../../shared/library.ts';
import type { FakeService } from '../fake-service.ts';
import type { OpenedPage, Window } from '../run/open-page.ts';

/** The demo model of six layers, all of it measured. */
export const DEMO = 1;
export const DEMO_MATRICES = 42;

export async function openInspect(
  window: Window,
  query = '',
  theme: 'light' | 'dark' = 'light',
  isSensed = false,
): Promise<OpenedPage> {
  const opened = await window.open({
    scenario: 'demo',
    path: `/models/${DEMO}/inspect${query}`,
    theme,
    prepare: ({ state }) => {
      state.measured.set(DEMO, DEMO_MATRICES);
      if (isSensed) state.sensed.add(DEMO);
    },
  });
  await opened.page.getByRole('region', { name: 'Outliers of the model' }).waitFor();
  return opened;
}

export function demoModel({ state }: FakeService): ModelCard {
  const model = state.models.find(({ id }) => id === DEMO);
  if (model === undefined) throw new RangeError('the demo model is not there');
  return model;
}

/** Saves by keyboard what a card shows. */
export async function save(page: Page, label: string, item: string): Promise<Download> {
  await page.getByRole('button', { name: `Save ${label}` }).press('Enter');
  const download = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: item }).press('Enter');
  return download;
}
