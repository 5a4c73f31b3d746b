/** What screens show while something goes on in the service, and when the line to it breaks. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addActivity, changeActivity } from './fake-progress.ts';
import { openScreens, type Screens, seriousFindings, TOKEN } from './open-screens.ts';
import { serveFake } from './serve-fake.ts';

let screens: Screens;
beforeAll(async () => {
  screens = await openScreens();
});
afterAll(() => screens.close());
const onScreen: Screens['onScreen'] = (...screen) => screens.onScreen(...screen);

describe('what goes on', () => {
  it('a download shows its progress on a card, is cancelled, and can be taken up again', async () => {
    await onScreen('empty', '/library?add=hub', async ({ page }) => {
      await page
        .getByRole('textbox', { name: 'Model' })
        .fill('https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct');
      await page.getByRole('button', { name: 'Download', exact: true }).click();
      const card = page.getByRole('article', { name: 'Download of HuggingFaceTB/SmolLM2-135M-Instruct' });
      await card.getByText(/ of 269 MB/).waitFor();
      await card.getByRole('button', { name: 'Cancel' }).click();
      await card.getByText('Cancelled.').waitFor();
      await card.getByRole('button', { name: 'Dismiss' }).click();
      await page.getByRole('button', { name: 'Try the demo model' }).waitFor();
    });
  });

  it('the activity bar shows a run on every screen, all when it is unfolded, and what went wrong', async () => {
    await onScreen('running', '/settings', async ({ page }) => {
      const bar = page.getByRole('region', { name: 'Activity' });
      await bar.getByText(/ of 210 matrices/).waitFor();
      await bar.getByRole('button', { name: 'Show all 3' }).click();
      await bar.getByRole('button', { name: /What went wrong/ }).click();
      await page.getByRole('dialog').getByText('free some space, then resume the run').waitFor();
      await page.keyboard.press('Escape');
      await bar.getByRole('button', { name: /^Cancel / }).click();
      await bar.getByText(/ of 210 matrices/).waitFor({ state: 'detached' });
    });
  });

  it('an error says where, what was expected and found, and what to do', async () => {
    await onScreen('empty', '/library?add=folder', async ({ page }) => {
      await page.getByRole('textbox', { name: 'Folder of the model' }).fill('/data');
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      const said = page.getByRole('alert');
      await said.getByText('This is no model folder').waitFor();
      expect(await said.locator('dd').allTextContents()).toEqual([
        '/data',
        'config.json, tokenizer.json and weights as safetensors',
        'no config.json',
        'choose the folder that holds config.json',
      ]);
      expect(await seriousFindings(page)).toEqual([]);
    });
  });

  it('a set-up begins from the settings, and the theme changes at once', async () => {
    await onScreen('demo', '/settings', async ({ page, fake }) => {
      await page.getByRole('button', { name: 'Set up (274 MB)' }).click();
      await page
        .getByRole('region', { name: 'Engine' })
        .getByText(/Fetching tensorflow/)
        .waitFor();
      await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
      await expect.poll(() => page.locator('html').getAttribute('data-theme')).toBe('dark');
      await page.getByRole('spinbutton', { name: 'Threads' }).fill('4');
      await expect.poll(() => fake.service.state.settings.threads).toBe(4);
      await page.getByRole('button', { name: 'Licences…' }).click();
      await page
        .getByRole('dialog', { name: 'Licences' })
        .getByText('better-sqlite3', { exact: true })
        .waitFor();
    });
  });

  it('updates that come faster than frames are drawn once a frame', async () => {
    await onScreen('demo', '/library', async ({ page, fake }) => {
      const { state } = fake.service;
      const activity = addActivity(state, 'export', 'Demo model, 3 bits', {});
      const bar = page.getByRole('region', { name: 'Activity' });
      await bar.getByText('Demo model, 3 bits').waitFor();
      await page.evaluate(`(() => {
        window.drawings = 0;
        window.frames = 0;
        const bar = document.querySelector('[aria-label="Activity"]');
        new MutationObserver(() => window.drawings++).observe(bar, { subtree: true, characterData: true, childList: true });
        const count = () => { window.frames++; requestAnimationFrame(count); };
        requestAnimationFrame(count);
      })()`);
      const UPDATES = 600;
      for (let done = 0; done <= UPDATES; done++) {
        const progress = { phase: 'Writing', done, total: UPDATES, unit: 'tensors' as const };
        changeActivity(state, activity, { pace: { progress, rate: null, secondsLeft: null } });
        if (done % 20 === 0) await delay(5);
      }
      await bar.getByText('600 of 600 tensors').waitFor();
      const [drawings, frames] = await page.evaluate<[number, number]>('[window.drawings, window.frames]');
      expect(drawings).toBeGreaterThan(0);
      // One of them may be drawn before the first frame was counted.
      expect(drawings).toBeLessThanOrEqual(frames + 1);
      expect(drawings).toBeLessThan(UPDATES);
    });
  });

  it('changes made elsewhere are shown', async () => {
    await onScreen('demo', '/library', async ({ page, fake }) => {
      await page.getByRole('article', { name: 'Demo model' }).waitFor();
      fake.service.state.models = fake.service.state.models.filter(({ name }) => name !== 'Demo model');
      fake.service.state.changes.send({ topic: 'models' });
      await page.getByRole('article', { name: 'Demo model' }).waitFor({ state: 'detached' });
    });
  });
});

describe('the line to the service', () => {
  it('a lost connection is said, and mended when the service is there again', async () => {
    const first = await serveFake('demo', { rendererFolder: screens.renderer.folder, token: TOKEN });
    const page = await screens.browser.newPage();
    await page.goto(`${first.server.origin}/library#${TOKEN}`);
    await page.getByRole('article', { name: 'Demo model' }).waitFor();
    await first.close();
    await page.getByText('The connection to the service is lost.').waitFor();
    const second = await serveFake('many', {
      rendererFolder: screens.renderer.folder,
      token: TOKEN,
      port: first.server.port,
    });
    await page.getByText('The connection to the service is lost.').waitFor({ state: 'detached' });
    await page.getByRole('article', { name: 'Mistral-7B-v0.1-checkpoint-049' }).waitFor();
    await page.close();
    await second.close();
  });

  it('a browser without the token is told how to get in', async () => {
    const fake = await serveFake('demo', { rendererFolder: screens.renderer.folder, token: TOKEN });
    const page = await screens.browser.newPage();
    await page.goto(`${fake.server.origin}/library#another`);
    await page.getByText('This browser is not let in').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.close();
    await fake.close();
  });
});
