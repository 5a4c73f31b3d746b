import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { matricesOf } from '../../../main/service/statistics/column-tasks.ts';
import { suggestedS } from '../../../shared/suggested-s.ts';
import { DEMO_DESCRIPTION as description } from '../../known-models.ts';
import { fakeOverview } from '../fake-columns.ts';
import { type Window, openWindow } from '../run/open-page.ts';

let window: Window;
beforeAll(async () => {
  window = await openWindow();
});
afterAll(() => window.close());

describe('the suggested S beside a budget', () => {
  it('is that of the model, and is taken by a button', async () => {
    const { page, close } = await window.open({
      scenario: 'demo',
      path: '/models/1/budget',
      prepare: ({ state }) => void state.measured.set(1, 42),
    });
    const overviews = matricesOf(description).map((place) => fakeOverview({ description, ...place }));
    const suggestion = suggestedS(overviews);
    await page.getByText(`Suggested for this model: ${suggestion}`).waitFor();
    await page
      .getByText('The largest S at which outliers alone rank the first 10 % of the columns')
      .waitFor();
    const use = page.getByRole('button', { name: `Use ${suggestion}`, exact: true });
    await use.press('Enter');
    expect(await page.getByLabel('S, as a number').inputValue()).toBe(String(suggestion));
    expect(await use.count()).toBe(0);
    await page.getByRole('slider', { name: 'S', exact: true }).press('ArrowRight');
    await use.waitFor();
    await close();
  });

  it('is known once the columns are measured', async () => {
    const { page, close } = await window.open({ scenario: 'demo', path: '/models/1/budget' });
    await page.getByText('is known once they are measured').waitFor();
    const link = page.getByRole('link', { name: 'Inspect', exact: true });
    expect(await link.getAttribute('href')).toBe('/models/1/inspect');
    await close();
  });
});
