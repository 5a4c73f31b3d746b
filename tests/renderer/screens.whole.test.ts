/** The frame, the library and the settings in a real browser, on the fake service. */
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../e2e/browser.ts';
import { buildRenderer, type BuiltRenderer } from './built-renderer.ts';
import { addActivity, changeActivity } from './fake-progress.ts';
import type { Scenario } from './fake-state.ts';
import { serveFake, type ServedFake } from './serve-fake.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SCREENSHOTS = fileURLToPath(new URL('../../build/screenshots', import.meta.url));
const TOKEN = 'the-token-of-these-tests';

let renderer: BuiltRenderer;
let browser: Browser;
beforeAll(async () => {
  [renderer, browser] = await Promise.all([buildRenderer(), launchBrowser()]);
  await mkdir(SCREENSHOTS, { recursive: true });
});
afterAll(async () => {
  await browser.close();
  await renderer.remove();
});

interface OpenScreen {
  readonly page: Page;
  readonly fake: ServedFake;
  /** What the browser complained about: errors, warnings, requests to elsewhere, violations of the policy. */
  readonly complaints: string[];
}

/** Opens a screen, hands it to `use`, and expects that the browser had nothing to complain about. */
async function onScreen(
  scenario: Scenario,
  path: string,
  use: (screen: OpenScreen) => Promise<void>,
  theme: 'light' | 'dark' = 'light',
): Promise<void> {
  const fake = await serveFake(scenario, { rendererFolder: renderer.folder, token: TOKEN });
  const context = await browser.newContext({
    colorScheme: theme,
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 800 },
  });
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() !== 'debug') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (new URL(request.url()).host !== new URL(fake.server.origin).host) complaints.push(request.url());
    });
    await page.goto(`${fake.server.origin}${path}#${TOKEN}`);
    await use({ page, fake, complaints });
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
    await fake.close();
  }
}

/** Serious findings of axe on the page as it is. */
async function seriousFindings(page: Page): Promise<string[]> {
  // The policy refuses inline scripts; what the debugger evaluates it does not see.
  await page.evaluate(await readFile(AXE, 'utf8'));
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`),
    );
}

const heading = (page: Page, name: string) => page.getByRole('heading', { name, level: 1 });

interface Shown {
  readonly name: string;
  readonly scenario: Scenario;
  readonly path: string;
  /** Is there when the screen is. */
  readonly text: string;
}

const SCREENS: readonly Shown[] = [
  { name: 'library-first-start', scenario: 'empty', path: '/library', text: 'Try the demo model' },
  { name: 'library', scenario: 'running', path: '/library', text: 'SmolLM2-135M-Instruct' },
  { name: 'library-failed', scenario: 'failing', path: '/library', text: 'The library cannot be read' },
  { name: 'library-loading', scenario: 'loading', path: '/library', text: 'Library' },
  { name: 'add-by-folder', scenario: 'demo', path: '/library?add=folder', text: 'Folder of the model' },
  { name: 'add-from-hub', scenario: 'demo', path: '/library?add=hub', text: 'Revision' },
  { name: 'model', scenario: 'running', path: '/models/2', text: 'Of them quantized' },
  { name: 'model-without-runs', scenario: 'demo', path: '/models/3', text: 'No runs yet' },
  { name: 'model-missing', scenario: 'demo', path: '/models/5', text: 'Is its disk mounted?' },
  { name: 'model-unknown', scenario: 'demo', path: '/models/404', text: 'This model is not in the library' },
  { name: 'settings', scenario: 'demo', path: '/settings', text: 'A run computes with' },
  { name: 'not-found', scenario: 'demo', path: '/nowhere', text: 'There is nothing at this address' },
];

describe.each(['light', 'dark'] as const)('screens, %s', (theme) => {
  it.each(SCREENS)(
    '$name: shown, nothing to complain about, nothing that axe calls serious',
    async (shown) => {
      await onScreen(
        shown.scenario,
        shown.path,
        async ({ page }) => {
          await page.getByText(shown.text).first().waitFor();
          await page.screenshot({ path: join(SCREENSHOTS, `${shown.name}-${theme}.png`) });
          expect(await seriousFindings(page)).toEqual([]);
          expect(await page.locator('html').getAttribute('data-theme')).toBe(theme);
          expect(page.url()).not.toContain(TOKEN);
        },
        theme,
      );
    },
  );
});

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

describe('a large library', () => {
  it('draws the cards in view, and the others when they come into view', async () => {
    await onScreen('many', '/library', async ({ page }) => {
      await page.getByRole('article', { name: 'Mistral-7B-v0.1-checkpoint-049' }).waitFor();
      expect(await page.getByRole('article').count()).toBeLessThan(30);
      await page.evaluate('document.querySelector("[data-scrolls]").scrollTop = 1e6');
      await page.getByRole('article', { name: 'SmolLM2-135M-Instruct', exact: true }).waitFor();
      expect(await page.getByRole('article').count()).toBeLessThan(30);
      await page.getByRole('searchbox').fill('qwen3 12');
      await page.getByRole('article', { name: 'Qwen3-0.6B-checkpoint-012' }).waitFor();
      expect(await page.getByRole('article').count()).toBe(1);
    });
  });
});

describe('the line to the service', () => {
  it('a lost connection is said, and mended when the service is there again', async () => {
    const first = await serveFake('demo', { rendererFolder: renderer.folder, token: TOKEN });
    const page = await browser.newPage();
    await page.goto(`${first.server.origin}/library#${TOKEN}`);
    await page.getByRole('article', { name: 'Demo model' }).waitFor();
    await first.close();
    await page.getByText('The connection to the service is lost.').waitFor();
    const second = await serveFake('many', {
      rendererFolder: renderer.folder,
      token: TOKEN,
      port: first.server.port,
    });
    await page.getByText('The connection to the service is lost.').waitFor({ state: 'detached' });
    await page.getByRole('article', { name: 'Mistral-7B-v0.1-checkpoint-049' }).waitFor();
    await page.close();
    await second.close();
  });

  it('a browser without the token is told how to get in', async () => {
    const fake = await serveFake('demo', { rendererFolder: renderer.folder, token: TOKEN });
    const page = await browser.newPage();
    await page.goto(`${fake.server.origin}/library#another`);
    await page.getByText('This browser is not let in').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.close();
    await fake.close();
  });
});

describe('the bundle', () => {
  it('has a first screen of less than 400 kB of JavaScript, compressed, without the charts', async () => {
    const requested: string[] = [];
    await onScreen('demo', '/library', async ({ page }) => {
      await page.getByRole('article', { name: 'Demo model' }).waitFor();
      requested.push(
        ...(await page.evaluate<string[]>(
          'performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname)',
        )),
      );
    });
    const scripts = requested.filter((path) => path.endsWith('.js'));
    const sizes = await Promise.all(
      scripts.map(async (path) => gzipSync(await readFile(join(renderer.folder, path))).length),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(400_000);
    expect(scripts.filter((path) => path.includes('echarts'))).toEqual([]);
    const all = await readdir(join(renderer.folder, 'assets'));
    expect(all.filter((name) => name.startsWith('echarts')).length).toBeGreaterThan(0);
  });
});

/** Presses Tab until the element of that name has the focus; fails where it is never reached. */
async function tabTo(page: Page, name: string): Promise<void> {
  const MOST = 60;
  for (let press = 0; press < MOST; press++) {
    const focused = await page.evaluate<string>(
      '(document.activeElement.ariaLabel ?? document.activeElement.textContent ?? "").trim()',
    );
    if (focused === name) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${name}`);
}
