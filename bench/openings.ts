/**
 * npm run bench:openings [-- --rounds 5]: how long a view of Inspect and Budget takes to open on SmolLM2-135M, measured once. The built
 * page in a real browser, on `claq serve`; from the click until what the view shows is in the document.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { z } from 'zod';
import { launchBrowser } from '../tests/e2e/browser.ts';
import { serveStudio } from '../tests/e2e/served-studio.ts';
import { SMOLLM2_FOLDER, missingSmollm2 } from './reference-data.ts';
import { note, section, table } from './report.ts';
import { Times, seconds } from './timing.ts';

const AIM_SECONDS = 0.2;
/** Between two clicks, for what the one before has left to draw. */
const REST_MS = 800;

const { values } = parseArgs({ options: { rounds: { type: 'string' } } });
const { rounds } = z.object({ rounds: z.coerce.number().int().min(1).max(100).default(5) }).parse(values);

section('Openings of views');
const missing = missingSmollm2();
if (missing === undefined) await benchOpenings();
else note(missing);

async function benchOpenings(): Promise<void> {
  const data = await realpath(await mkdtemp(join(tmpdir(), 'claq-bench-')));
  try {
    await addModel(data);
    const studio = await serveStudio(data);
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      await page.goto(studio.url);
      report(await openViews(page));
    } finally {
      await browser.close();
      await studio.stop();
    }
  } finally {
    await rm(data, { recursive: true });
  }
}

async function addModel(data: string): Promise<void> {
  const command = fileURLToPath(new URL('../main/cli/claq.ts', import.meta.url));
  const child = spawn(process.execPath, [command, 'models', 'add', SMOLLM2_FOLDER, '--data', data]);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`claq models add ended with ${String(code)}`);
}

/** Seconds of every opening, by view. */
async function openViews(page: Page): Promise<ReadonlyMap<string, readonly number[]>> {
  const taken = new Map<string, number[]>();
  const open = async (view: string, link: Locator, shown: Locator): Promise<void> => {
    await delay(REST_MS);
    const start = performance.now();
    await link.click();
    await shown.waitFor();
    taken.set(view, [...(taken.get(view) ?? []), (performance.now() - start) / 1000]);
  };
  const link = (name: string): Locator => page.getByRole('link', { name, exact: true }).first();
  const tab = (name: string): Locator => page.getByRole('tab', { name, exact: true }).or(link(name)).first();
  const cell = page.getByRole('gridcell').first();
  const secondChart = page.locator('canvas').nth(1);
  const model = page.getByRole('link', { name: 'SmolLM2-135M-Instruct' }).first();
  await open('the model', model, link('Inspect'));
  await open('Inspect, which measures the columns', link('Inspect'), cell);
  await delay(3 * REST_MS);
  for (let round = 0; round < rounds; round++) {
    await open('the model', model, link('Inspect'));
    await open('Inspect', link('Inspect'), cell);
    await open('a matrix', tab('Matrix'), secondChart);
    await open('a column', tab('Column'), page.getByRole('region', { name: 'Squared error by width' }));
    await open('the layers', tab('Layers'), cell);
    await open('the model', model, link('Budget'));
    await open('Budget', link('Budget'), page.getByRole('region', { name: 'What it comes to' }));
  }
  return taken;
}

function report(taken: ReadonlyMap<string, readonly number[]>): void {
  const rows = Array.from(taken, ([view, times]) => {
    const all = new Times(times);
    return [view, String(all), seconds(all.sorted.at(-1) ?? NaN)];
  });
  table(`Opening a view (aim: ${AIM_SECONDS} s)`, ['view', 'median', 'longest'], rows);
}
