/** The page as it is built, on the fake service, in a real browser. */
import { implement } from '@orpc/server';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { startServer } from '../../../main/service/serve/start-server.ts';
import { contract } from '../../../shared/contract.ts';
import type { Preflight } from '../../../shared/preflight.ts';
import { launchBrowser } from '../../e2e/browser.ts';
import { buildRenderer } from '../built-renderer.ts';
import { type FakeService, fakeService } from '../fake-service.ts';
import type { Scenario } from '../fake-state.ts';

export interface Window {
  /** Builds nothing and starts no browser: both are shared by all pages. */
  open(options: PageOptions): Promise<OpenedPage>;
  close(): Promise<void>;
}

interface PageOptions {
  readonly scenario: Scenario;
  /** `/runs/20` */
  readonly path: string;
  readonly theme?: 'light' | 'dark';
  /** What the service says that a run will take, instead of what the fake one says. */
  readonly preflight?: Preflight;
  /** Changes what the service knows, before the page asks. */
  readonly prepare?: (service: FakeService) => void;
}

export interface OpenedPage {
  readonly page: Page;
  readonly service: FakeService;
  /** Errors of the console: faults of the page, and what its policy refused. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

/** Builds the page into a folder of its own, and starts a browser. */
export async function openWindow(): Promise<Window> {
  const [renderer, browser] = await Promise.all([buildRenderer(), launchBrowser()]);
  const opened = new Set<OpenedPage>();
  return {
    open: async (options) => {
      const one = await openPage(browser, renderer.folder, options);
      opened.add(one);
      return one;
    },
    close: async () => {
      for (const one of opened) await one.close();
      await browser.close();
      await renderer.remove();
    },
  };
}

async function openPage(
  browser: Browser,
  folder: string,
  { scenario, path, theme = 'light', preflight, prepare }: PageOptions,
): Promise<OpenedPage> {
  const service = fakeService(scenario);
  prepare?.(service);
  const os = implement(contract);
  const router =
    preflight === undefined
      ? service.router
      : {
          ...service.router,
          runs: { ...service.router.runs, preflight: os.runs.preflight.handler(() => preflight) },
        };
  const server = await startServer({ router, rendererFolder: folder, port: 0 });
  const context = await browser.newContext({
    viewport: { width: 1360, height: 860 },
    colorScheme: theme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await page.goto(`${server.origin}${path}#${server.token}`);
  let isClosed = false;
  return {
    page,
    service,
    faults,
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await context.close();
      service.stop();
      await server.close();
    },
  };
}

/** What axe finds wrong with the page as it is now: the rule, each place, and what is wrong there. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<{ id: string; nodes: { target: string[]; failureSummary: string }[] }[]>(
    `axe.run(document).then((results) => results.violations)`,
  );
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  );
}
