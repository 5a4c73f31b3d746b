/** Every screen of the frame, the library and the settings in a real browser, in both themes; what they weigh. */
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Scenario } from './fake-state.ts';
import { openScreens, type Screens, seriousFindings, TOKEN } from './open-screens.ts';

const SCREENSHOTS = fileURLToPath(new URL('../../build/screenshots', import.meta.url));

let screens: Screens;
beforeAll(async () => {
  screens = await openScreens();
  await mkdir(SCREENSHOTS, { recursive: true });
});
afterAll(() => screens.close());
const onScreen: Screens['onScreen'] = (...screen) => screens.onScreen(...screen);

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
      scripts.map(async (path) => gzipSync(await readFile(join(screens.renderer.folder, path))).length),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(400_000);
    expect(scripts.filter((path) => path.includes('echarts'))).toEqual([]);
    const all = await readdir(join(screens.renderer.folder, 'assets'));
    expect(all.filter((name) => name.startsWith('echarts')).length).toBeGreaterThan(0);
  });
});
