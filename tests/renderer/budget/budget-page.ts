/** The budget's screen in a browser, and what a user does there. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { previewBudget } from '../../../shared/budget-preview.ts';
import { readableBytes } from '../../../shared/readable-quantities.ts';
import { budgetChoicesSchema } from '../../../shared/requests.ts';
import { keptOf } from '../fake-library.ts';
import type { FakeService } from '../fake-service.ts';
import type { OpenedPage, Window } from '../run/open-page.ts';

export interface BudgetPage {
  readonly theme?: 'light' | 'dark';
  readonly path?: string;
  readonly isAnalysed?: boolean;
}

/** The budget of the demo model, which is small enough for an analysis to be made up at once. */
export async function openBudgetPage(
  window: Window,
  { theme = 'light', path = '/models/1/budget', isAnalysed }: BudgetPage = {},
): Promise<OpenedPage> {
  const opened = await window.open({
    scenario: 'demo',
    path,
    theme,
    prepare: ({ state }: FakeService) => {
      state.measured.set(1, 42);
      if (isAnalysed) state.analysed.add(1);
    },
  });
  await opened.page.getByText('What it comes to').waitFor();
  return opened;
}

/** Figures of a card as they are read, by their names. */
export function figures(page: Page, card: string): Promise<string> {
  return page
    .getByRole('region', { name: card })
    .locator('dl')
    .innerText()
    .then((text) => text.replaceAll(/\s+/g, ' '));
}

function bytesWords(bytes: number): string {
  return `${readableBytes(bytes)} ${bytes.toLocaleString('en')} bytes`;
}

/** Waits for the figures that the budget has by the same rules. */
export async function shows(
  page: Page,
  choices: Parameters<typeof budgetChoicesSchema.parse>[0],
  service: FakeService,
): Promise<void> {
  const model = service.state.models.find(({ id }) => id === 1);
  if (model === undefined) throw new RangeError('there is no model 1');
  const preview = previewBudget(
    model.description,
    model.dtype,
    budgetChoicesSchema.parse(choices),
    keptOf(model),
  );
  const atMost = preview.certainty === 'exact' ? '' : ', at most';
  await expect
    .poll(() => figures(page, 'What it comes to'))
    .toContain(
      `Nominal ${preview.nominalBits.toFixed(2)} bits as the paper counts ` +
        `Stored${atMost} ${preview.storedBits.toFixed(3)} bits every byte by the weights ` +
        `Packed matrices${atMost} ${bytesWords(preview.packedBytes)} Packed export${atMost} ${bytesWords(preview.packedModelBytes)}`,
    );
}

export async function press(page: Page, label: string, ...keys: string[]): Promise<void> {
  await page.getByRole('slider', { name: label, exact: true }).focus();
  for (const key of keys) await page.keyboard.press(key);
}

export async function choose(page: Page, name: string): Promise<void> {
  await page.getByRole('radio', { name, exact: true }).focus();
  await page.keyboard.press('Space');
}

export async function savedAs(
  page: Page,
  label: string,
  item: string,
): Promise<[name: string, text: string]> {
  await page.getByRole('button', { name: `Save ${label}` }).press('Enter');
  const download = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: item }).press('Enter');
  const file = await download;
  return [file.suggestedFilename(), await readFile(await file.path(), 'utf8')];
}
