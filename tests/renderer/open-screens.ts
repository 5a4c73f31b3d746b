/** Screens as they are built, on the fake service, in a real browser that must have nothing to complain about. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { launchBrowser } from '../e2e/browser.ts';
import { buildRenderer, type BuiltRenderer } from './built-renderer.ts';
import type { Scenario } from './fake-state.ts';
import { serveFake, type ServedFake } from './serve-fake.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
export const TOKEN = 'the-token-of-these-tests';

interface OpenScreen {
  readonly page: Page;
  readonly fake: ServedFake;
}

export interface Screens {
  readonly renderer: BuiltRenderer;
  readonly browser: Browser;
  /**
   * Opens a screen, hands it to `use`, and expects that the browser had nothing to complain about: errors, warnings, requests to
   * elsewhere, violations of the policy.
   */
  onScreen(
    scenario: Scenario,
    path: string,
    use: (screen: OpenScreen) => Promise<void>,
    theme?: 'light' | 'dark',
  ): Promise<void>;
  close(): Promise<void>;
}

/** Builds the page and starts a browser, for all tests of a file. */
export async function openScreens(): Promise<Screens> {
  const [renderer, browser] = await Promise.all([buildRenderer(), launchBrowser()]);
  return {
    renderer,
    browser,
    async onScreen(scenario, path, use, theme = 'light') {
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
          if (new URL(request.url()).host !== new URL(fake.server.origin).host)
            complaints.push(request.url());
        });
        await page.goto(`${fake.server.origin}${path}#${TOKEN}`);
        await use({ page, fake });
        expect(complaints).toEqual([]);
      } finally {
        await context.close();
        await fake.close();
      }
    },
    async close() {
      await browser.close();
      await renderer.remove();
    },
  };
}

/** Serious findings of axe on the page as it is. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // The policy refuses inline scripts; what the debugger evaluates it does not see.
  await page.evaluate(await readFile(AXE, 'utf8'));
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`),
    );
}

/** The title of the screen. */
export const heading = (page: Page, name: string): Locator => page.getByRole('heading', { name, level: 1 });

/** Presses Tab until the element of that name has the focus; fails where it is never reached. */
export async function tabTo(page: Page, name: string): Promise<void> {
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
