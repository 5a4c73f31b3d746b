/**
 * npm run bench:columns [-- --moves 200 --seconds 5]: whether Inspect and Budget keep up with their user on a model of the shape of
 * Llama 2 7B, 224 matrices with 1.1 million columns. The built page in a real browser, on `claq serve` with made-up statistics.
 */
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { readableBytes } from '../shared/readable-quantities.ts';
import { launchBrowser } from '../tests/e2e/browser.ts';
import { serveStudio } from '../tests/e2e/served-studio.ts';
import { FILLED, fillLibrary } from './columns-library.ts';
import { measureFrames, type Measured, reportFrames } from './page-frames.ts';
import { note, section, table } from './report.ts';
import { movesCells, moveSlider } from './slider-moves.ts';
import { seconds as secondsText, timeRuns } from './timing.ts';

const AIM_MOVE_MS = 16;
const AIM_MEMORY_BYTES = 500e6;
/** A part that takes longer than this hangs: the bench says so and goes on. */
const LIMIT_MS = 120_000;

const { values } = parseArgs({ options: { moves: { type: 'string' }, seconds: { type: 'string' } } });
const { moves, seconds } = z
  .object({
    moves: z.coerce.number().int().min(10).max(10_000).default(200),
    seconds: z.coerce.number().min(1).max(60).default(5),
  })
  .parse(values);

/** Undefined, with a line, where the work fails or does not end. */
async function bounded<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
  const limit = new AbortController();
  try {
    const late = delay(LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
      throw new Error(`it did not end within ${LIMIT_MS / 1000} s`);
    });
    return await Promise.race([work(), late]);
  } catch (error) {
    note(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  } finally {
    limit.abort();
  }
}

async function openBudget(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Budget', exact: true }).click();
  await page.getByText('squared error of the weights').first().waitFor();
}

async function goBack(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Synthetic 7B' }).first().click();
}

async function benchBudget(page: Page): Promise<void> {
  await openBudget(page);
  const rows: string[][] = [];
  const time = async (state: string, slider: string): Promise<void> => {
    const taken = await bounded(slider, () => moveSlider(page, slider, 'What it comes to', moves));
    if (taken !== undefined) rows.push([`${slider}, ${state}`, ...movesCells(taken)]);
  };
  const choose = async (order: string): Promise<void> => {
    await page.getByRole('radio', { name: order, exact: true }).focus();
    await page.keyboard.press('Space');
  };
  await choose('Outlier Order');
  for (const slider of ['Average width', 'Kept in the head', 'Head']) await time('Outlier Order', slider);
  await page.getByRole('button', { name: 'Keep this as A' }).click();
  await page.getByRole('grid', { name: /^Columns that change/ }).waitFor();
  await time('beside another budget', 'Average width');
  const frames = await bounded('frames', () => measureMoved(page, 'Average width'));
  await page.getByRole('button', { name: 'End', exact: true }).click();
  await choose('Benefit');
  for (const slider of ['Average width', 'Kept in the head', 'Head']) await time('by benefit', slider);
  await page.getByRole('button', { name: 'Keep this as A' }).click();
  await page.getByRole('grid', { name: /^Columns that change/ }).waitFor();
  await time('by benefit, beside another budget', 'Average width');
  await page.getByRole('button', { name: 'End', exact: true }).click();
  const head = ['', 'computed', '95 % within', 'drawn', '95 % within', 'figures in its frame'];
  table(`A move of a slider of the budget, ${moves} times, from its event on`, head, rows);
  note(
    `Computed: what follows is in the document (aim: ${AIM_MOVE_MS} ms). Drawn: the main thread has drawn it.`,
  );
  if (frames !== undefined) reportFrames({ 'Average width, moved each frame': frames });
  await goBack(page);
}

/** Moves a slider by a key in each frame, to its end and back. */
async function measureMoved(page: Page, slider: string): Promise<Measured> {
  await page.getByRole('slider', { name: slider, exact: true }).focus();
  const there = 30;
  return measureFrames(page, seconds, (count) =>
    page.keyboard.press(Math.floor(count / there) % 2 === 0 ? 'ArrowRight' : 'ArrowLeft'),
  );
}

/** Moves the pointer over an element on a curve that crosses it everywhere. */
function hovering(page: Page, { x, y, width, height }: Box) {
  return (count: number): Promise<void> =>
    page.mouse.move(
      x + width * (0.5 + 0.45 * Math.sin(count / 17)),
      y + height * (0.5 + 0.45 * Math.sin(count / 11)),
    );
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Of what is in sight of it. */
async function boxOf(page: Page, role: 'grid' | 'application', name: RegExp): Promise<Box> {
  const element = page.getByRole(role, { name });
  await element.scrollIntoViewIfNeeded();
  const box = await element.boundingBox();
  if (box === null) throw new Error(`${String(name)} is not in sight`);
  const height = Math.min(box.height, (page.viewportSize()?.height ?? box.height) - box.y);
  return { ...box, height };
}

async function benchInspect(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Inspect', exact: true }).click();
  const grid = /^Outlier ratio at S/;
  await page.getByRole('grid', { name: grid }).waitFor();
  const measured: Record<string, Measured> = {};
  const watch = async (name: string, work: () => Promise<Measured>): Promise<void> => {
    const found = await bounded(name, work);
    if (found !== undefined) measured[name] = found;
  };
  await watch('nothing moves', () => measureFrames(page, seconds));
  await watch('S over the heatmap', () => measureMoved(page, 'S'));
  await watch('pointer over the heatmap', async () =>
    measureFrames(page, seconds, hovering(page, await boxOf(page, 'grid', grid))),
  );
  await page
    .getByRole('gridcell', { name: new RegExp(`^Layer ${FILLED.block}, ${FILLED.kind}:`) })
    .first()
    .click();
  const map = /^Map of layer/;
  await page.getByRole('application', { name: map }).waitFor();
  await page.getByRole('img', { name: /^Sorted outlier ratio/ }).waitFor();
  await watch('S over curve and position map', () => measureMoved(page, 'S'));
  await watch('top columns over both', () => measureMoved(page, 'Top columns in Outlier Order'));
  await watch('pointer over the position map', async () =>
    measureFrames(page, seconds, hovering(page, await boxOf(page, 'application', map))),
  );
  await watch('wheel over the map, to its entries and back', async () => {
    const { x, y, width, height } = await boxOf(page, 'application', map);
    await page.mouse.move(x + 0.4 * width, y + 0.4 * height);
    // The whole way in takes 30 turns of the wheel.
    return measureFrames(page, seconds, (count) =>
      page.mouse.wheel(0, Math.floor(count / 30) % 2 === 0 ? -1 : 1),
    );
  });
  await page.getByRole('button', { name: 'The whole layer' }).click();
  await page.getByRole('img', { name: /^Sorted outlier ratio .*Layer 3, down: / }).waitFor();
  await watch('S over seven curves and the map', () => measureMoved(page, 'S'));
  reportFrames(measured);
  await goBack(page);
}

/** Of the process that shows the page. */
interface Memory {
  readonly heap: number;
  readonly resident: number;
  /** Without the browser's own program and what it shares with its other processes. */
  readonly own: number;
  /** The most that was resident since it was looked at last. */
  readonly most: number;
}

const processesSchema = z.object({
  processInfo: z.array(z.object({ type: z.string(), id: z.number(), cpuTime: z.number() })),
});
const metricsSchema = z.object({ metrics: z.array(z.object({ name: z.string(), value: z.number() })) });

async function measureMemory(browser: Browser, page: Page): Promise<Memory> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = metricsSchema.parse(await session.send('Performance.getMetrics'));
  const whole = await browser.newBrowserCDPSession();
  const { processInfo } = processesSchema.parse(await whole.send('SystemInfo.getProcessInfo'));
  // The browser keeps spare ones, which have done nothing.
  const [busiest] = processInfo
    .filter(({ type }) => type === 'renderer')
    .toSorted((a, b) => b.cpuTime - a.cpuTime);
  if (busiest === undefined) throw new Error('the page has no process');
  const status = await readFile(`/proc/${busiest.id}/status`, 'utf8');
  const shares = await readFile(`/proc/${busiest.id}/smaps_rollup`, 'utf8');
  // From here on the most is counted anew (man 5 proc).
  await writeFile(`/proc/${busiest.id}/clear_refs`, '5');
  const bytes = (text: string, name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN);
  return {
    heap: metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? NaN,
    resident: bytes(status, 'VmRSS'),
    own: bytes(shares, 'Private_Clean') + bytes(shares, 'Private_Dirty'),
    most: bytes(status, 'VmHWM'),
  };
}

section('Inspect and Budget in a browser', '224 matrices of the shape of Llama 2 7B, 1.1 million columns');
const data = await realpath(await mkdtemp(join(tmpdir(), 'claq-columns-')));
try {
  const filling = await timeRuns(() => fillLibrary(data), 1, { warmUp: false });
  note(`The library was filled in ${secondsText(filling.median)}.`);
  const studio = await serveStudio(data);
  const browser = await launchBrowser();
  try {
    const context = await browser.newContext({ viewport: { width: 1360, height: 860 } });
    const page = await context.newPage();
    page.setDefaultTimeout(LIMIT_MS);
    await page.goto(studio.url);
    await page.getByRole('link', { name: 'Synthetic 7B' }).first().click();
    const memory: Record<string, Memory> = { 'the model’s screen': await measureMemory(browser, page) };
    await benchInspect(page);
    memory['after Inspect'] = await measureMemory(browser, page);
    await benchBudget(page);
    memory['after Budget'] = await measureMemory(browser, page);
    table(
      'Memory of the page’s process',
      ['', 'heap', 'resident', 'of it its own', 'most until then'],
      Object.entries(memory).map(([name, { heap, resident, own, most }]) => [
        name,
        ...[heap, resident, own, most].map(readableBytes),
      ]),
    );
    note(`Aim: under ${readableBytes(AIM_MEMORY_BYTES)}.`);
  } finally {
    await browser.close();
    await studio.stop();
  }
} finally {
  await rm(data, { recursive: true });
}
