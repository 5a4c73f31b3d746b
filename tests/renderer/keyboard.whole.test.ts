/** What a user without a pointer does, in a real browser. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heading, openScreens, type Screens, seriousFindings, tabTo } from './open-screens.ts';

let screens: Screens;
beforeAll(async () => {
  screens = await openScreens();
});
afterAll(() => screens.close());
const onScreen: Screens['onScreen'] = (...screen) => screens.onScreen(...screen);

describe('by keyboard alone', () => {
  it('a first start leads to the form of the demo model’s run', async () => {
    await onScreen('empty', '/', async ({ page }) => {
      await page.getByRole('button', { name: 'Try the demo model' }).waitFor();
      await tabTo(page, 'Try the demo model');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/models/10000/run');
      expect(await page.evaluate('document.activeElement.id')).toBe('screen-title');
    });
  });

  it('the keys lead to each screen, show themselves, and stay out of fields', async () => {
    await onScreen('demo', '/settings', async ({ page }) => {
      await heading(page, 'Settings').waitFor();
      await page.keyboard.press('g');
      await page.keyboard.press('l');
      await heading(page, 'Library').waitFor();
      await page.getByRole('searchbox').waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('g r ?');
      expect(await page.getByRole('searchbox').inputValue()).toBe('g r ?');
      expect(await heading(page, 'Library').count()).toBe(1);
      await page.getByText('No model has').waitFor();
      await page.getByRole('button', { name: 'Show all' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('article', { name: 'Demo model' }).waitFor();
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keys' }).waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.keyboard.press('[');
      expect(await page.getByRole('link', { name: 'Settings' }).textContent()).toBe('');
    });
  });

  it('a model is added by its folder, which is found in the dialog that browses the service’s folders', async () => {
    await onScreen('empty', '/library?add=folder', async ({ page }) => {
      await page.getByRole('textbox', { name: 'Folder of the model' }).waitFor();
      await tabTo(page, 'Choose: Folder of the model');
      await page.keyboard.press('Enter');
      const browsing = page.getByRole('dialog', { name: 'Folder of the model' });
      await browsing.getByRole('button', { name: 'Models' }).focus();
      await page.keyboard.press('Enter');
      await browsing.getByRole('button', { name: 'Llama-2-7b-hf' }).waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Space');
      expect(await seriousFindings(page)).toEqual([]);
      await tabTo(page, 'Choose');
      await page.keyboard.press('Enter');
      await browsing.waitFor({ state: 'detached' });
      const field = page.getByRole('textbox', { name: 'Folder of the model' });
      expect(await field.inputValue()).toBe('/data/models/Qwen3-0.6B');
      await field.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('article', { name: 'Qwen3-0.6B' }).waitFor();
    });
  });

  it('the table of runs is walked by arrows and opened by Enter', async () => {
    await onScreen('many', '/models/1', async ({ page }) => {
      const rows = page.getByRole('grid').locator('[data-row]');
      await rows.first().focus();
      await page.keyboard.press('ArrowDown');
      expect(await page.evaluate('document.activeElement.dataset.row')).toBe('1');
      await page.keyboard.press('End');
      expect(await page.evaluate('document.activeElement.dataset.row')).toBe('9');
      await page.getByRole('button', { name: 'Stored' }).focus();
      await page.keyboard.press('Enter');
      expect(await page.getByRole('columnheader', { name: 'Stored' }).getAttribute('aria-sort')).toBe(
        'ascending',
      );
      await rows.first().focus();
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/runs\/\d+$/);
    });
  });

  it('a model is removed by its menu, after a question', async () => {
    await onScreen('demo', '/library', async ({ page, fake }) => {
      await page.getByRole('button', { name: 'More on Qwen3-0.6B' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('menu').waitFor();
      await page.keyboard.press('End');
      await page.keyboard.press('Enter');
      const question = page.getByRole('dialog', { name: 'Remove Qwen3-0.6B from the library?' });
      await question.waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await tabTo(page, 'Remove');
      await page.keyboard.press('Enter');
      await question.waitFor({ state: 'detached' });
      await page.getByRole('article', { name: 'Qwen3-0.6B' }).waitFor({ state: 'detached' });
      expect(fake.service.state.models.map(({ name }) => name)).not.toContain('Qwen3-0.6B');
    });
  });
});
