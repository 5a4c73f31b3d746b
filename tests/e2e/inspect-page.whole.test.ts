import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeInspectPage } from '../../main/cli/inspect-page/write-page.ts';
import { inspectModel } from '../../main/service/inspect.ts';
import { launchBrowser } from './browser.ts';

const DEMO_MODEL = fileURLToPath(new URL('../../resources/demo-model/model', import.meta.url));
/** A model's folder may be called anything. */
const TITLE = '</script><img src=x onerror=alert(1)> & {{page}} <!-- part: data -->';

let work = '';
let address = '';
let browser: Browser;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-page-'));
  const file = join(work, 'page.html');
  await writeInspectPage(file, TITLE, await inspectModel({ model: DEMO_MODEL, outlierS: 5 }));
  address = pathToFileURL(file).href;
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await rm(work, { recursive: true });
});

describe('the page of claq inspect', () => {
  let page: Page;
  let complaints: string[] = [];
  let requests: string[] = [];
  beforeEach(async () => {
    complaints = [];
    requests = [];
    // Reduced motion: what is asked for is drawn at once.
    page = await browser.newPage({ reducedMotion: 'reduce', viewport: { width: 1280, height: 1300 } });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(address);
    return () => page.close();
  });

  it('draws three charts, asks the network for nothing and has nothing to complain about', async () => {
    await drawn(page, 'curve');
    await drawn(page, 'map');
    await drawn(page, 'layers');
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([address]);
    expect(complaints).toEqual([]);
  });

  it('shows the model by its name, whatever the name is', async () => {
    expect(await page.locator('h1').textContent()).toBe(TITLE);
    expect(await page.title()).toBe(`Outliers of ${TITLE}`);
    expect(await page.locator('img').count()).toBe(0);
  });

  it('begins with the matrix that has the most outliers', async () => {
    expect(await figures(page)).toEqual([
      'Outlier ratio of layer 3, k: 0.692 % 85 weights',
      'Columns with outliers: 82 of 192',
      'In the top 10 % of columns: 25.9 % of the outliers',
      'Largest |w|: 15.8 × the mean |w|',
    ]);
    expect(await page.locator('#curve').getAttribute('aria-label')).toBe(
      'Sorted outlier ratio of the columns of layer 3, k: from 3.13 % down; 82 of 192 columns have outliers.',
    );
  });

  it('changes the charts with the selectors, by keyboard too', async () => {
    const before = {
      curve: await drawn(page, 'curve'),
      map: await drawn(page, 'map'),
      layers: await drawn(page, 'layers'),
    };
    await page.locator('#layer').selectOption('0');
    await page.getByRole('radio', { name: 'k', exact: true }).focus();
    await page.keyboard.press('ArrowLeft');
    expect((await figures(page))[0]).toBe('Outlier ratio of layer 0, q: 0.217 % 80 weights');
    expect(await drawn(page, 'curve')).not.toBe(before.curve);
    expect(await drawn(page, 'map')).not.toBe(before.map);
    expect(await drawn(page, 'layers')).not.toBe(before.layers);
    await page.getByRole('radio', { name: '3', exact: true }).check({ force: true });
    expect((await figures(page))[0]).toBe('Outlier ratio of layer 0, q: 2.93 % 1,079 weights');
    expect(complaints).toEqual([]);
  });

  it('opens a matrix by a click on its cell, and tells about it in a tooltip', async () => {
    const chart = page.locator('#layers');
    const box = await chart.boundingBox();
    // The last column of cells, the last row: down of layer 5.
    const position = { x: (box?.width ?? 0) - 60, y: (box?.height ?? 0) - 105 };
    const before = await drawn(page, 'layers');
    await chart.hover({ position });
    await expect.poll(() => drawn(page, 'layers')).not.toBe(before);
    await chart.click({ position });
    expect((await figures(page))[0]).toMatch(/^Outlier ratio of layer 5, down: /);
    expect(await page.locator('#layer').inputValue()).toBe('5');
    expect(await page.getByRole('radio', { name: 'down' }).isChecked()).toBe(true);
  });

  it('says where there are no outliers, and leads to where there are', async () => {
    await page.locator('#layer').selectOption('0');
    await page.getByRole('radio', { name: '13' }).check({ force: true });
    expect(await page.locator('#curve').isVisible()).toBe(false);
    expect(await page.locator('#curve-empty').textContent()).toMatch(
      /^This matrix has no outliers at S = 13: its largest \|w\| is \d\.\d × the mean\.Show S = \d$/,
    );
    await page.locator('#curve-empty').getByRole('button').click();
    expect(await page.locator('#curve-empty').isVisible()).toBe(false);
    await drawn(page, 'curve');
    expect(await page.evaluate('document.activeElement.name')).toBe('s-values');
    expect(complaints).toEqual([]);
  });

  it('follows the system between light and dark', async () => {
    const light = await drawn(page, 'curve');
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(() => drawn(page, 'curve')).not.toBe(light);
  });
});

/** The chart's pixels, all its layers together, as a hash; fails where all of them are the same. */
async function drawn(page: Page, id: string): Promise<string> {
  const pixels = `(async () => {
    // What was asked for is on the canvas after the next frame.
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const [first, ...others] = document.querySelectorAll('#${id} canvas');
    const canvas = new OffscreenCanvas(first.width, first.height);
    const context = canvas.getContext('2d');
    for (const layer of [first, ...others]) context.drawImage(layer, 0, 0);
    const words = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    let image = 0;
    for (const word of words) image = (Math.imul(image, 31) + word) >>> 0;
    return { colours: new Set(words).size, image: image.toString(16) };
  })()`;
  const { colours, image } = await page.evaluate<{ colours: number; image: string }>(pixels);
  expect(colours, `colours in #${id}`).toBeGreaterThan(5);
  return image;
}

async function figures(page: Page): Promise<string[]> {
  const groups = await page.locator('#figures > div').all();
  return Promise.all(
    groups.map(
      async (group) =>
        `${(await group.locator('dt').textContent()) ?? ''}: ${(await group.locator('dd').textContent()) ?? ''}`,
    ),
  );
}
