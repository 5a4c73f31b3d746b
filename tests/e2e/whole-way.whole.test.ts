/** The whole way in a real browser, on the real service and engine: add a model, run, watch, result, export. */
import { access, mkdtemp, readFile, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runRecordSchema } from '../../shared/run-record.ts';
import { startLocalHub } from '../service/hub/local-hub.ts';
import { launchBrowser } from './browser.ts';
import { type ServedStudio, serveStudio } from './served-studio.ts';

const DEMO_FOLDER = fileURLToPath(new URL('../../resources/demo-model/model', import.meta.url));
/** A run of the demo model takes seconds; a machine may be busy. */
const LONG = { timeout: 180_000 };

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

let data: string;
let studio: ServedStudio | undefined;
beforeEach(async () => {
  data = await realpath(await mkdtemp(join(tmpdir(), 'claq-e2e-')));
});
afterEach(async () => {
  await studio?.stop();
  studio = undefined;
  await rm(data, { recursive: true });
});

/** Opens the printed address in a browser of its own. */
async function openPage(env: Readonly<Record<string, string>> = {}): Promise<Page> {
  studio = await serveStudio(data, env);
  const context = await browser.newContext({
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 900 },
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(studio.url);
  return page;
}

/** The form of a new run, with few segments, started. */
async function startRun(page: Page, bits: string): Promise<void> {
  await page.getByText(bits, { exact: true }).first().click();
  await page.getByText('Quick look', { exact: true }).click();
  await page.getByRole('button', { name: 'Quantize' }).click();
  await page.waitForURL(/\/runs\/\d+$/);
}

async function isComplete(page: Page): Promise<void> {
  await page
    .getByRole('heading')
    .getByText('Complete')
    .or(page.getByText('Complete', { exact: true }))
    .first()
    .waitFor(LONG);
}

describe('CLAQ Studio in a browser', () => {
  it('takes a newcomer from the first start to an exported model', async () => {
    const page = await openPage();
    await page.getByRole('button', { name: 'Try the demo model' }).click();
    await page.waitForURL(/\/models\/1\/run$/);
    // The token is for the browser, not for whoever looks at the address bar.
    expect(page.url()).not.toContain('#');
    await startRun(page, '2.12');
    await page.getByRole('grid').or(page.getByRole('table')).first().waitFor();
    await isComplete(page);
    const [name] = await readdir(join(data, 'runs'));
    const folder = join(data, 'runs', name ?? '');
    const record = runRecordSchema.parse(JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')));
    expect(record).toMatchObject({
      status: 'complete',
      settings: { budget: '2.12 (AP 2.05 of {2,4} + OR 0.07)' },
    });
    const shown = await page.locator('main').innerText();
    expect(shown).toContain(record.result?.after?.perplexity.toPrecision(4) ?? 'no perplexity');
    expect(shown).toContain(record.result?.storedBits.toFixed(2) ?? 'no bits');

    await page.getByRole('button', { name: 'Export…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).click();
    await page.getByText(/tensors read back, exact; perplexity/).waitFor(LONG);
    await access(join(folder, 'packed', 'modeling_claq.py'));
    await page.getByRole('button', { name: 'Remove the export' }).click();
    await page
      .getByRole('dialog')
      .or(page.getByRole('alertdialog'))
      .getByRole('button', { name: 'Remove and delete', exact: true })
      .click();
    await expect.poll(() => readdir(folder)).not.toContain('packed');

    // Tomorrow: everything is still there, and the original's perplexity is known.
    await studio?.stop();
    const again = await openPage();
    await again.getByText('Demo model').first().waitFor();
    await again.getByRole('link', { name: 'Runs' }).first().click();
    await again.getByText('Complete', { exact: true }).first().waitFor();
  });

  it('exports as GGUF, and takes the file and a packed model back as models', async () => {
    const page = await openPage();
    await page.getByRole('button', { name: 'Try the demo model' }).click();
    await page.waitForURL(/\/models\/1\/run$/);
    await startRun(page, '2.12');
    await isComplete(page);
    const [run = ''] = await readdir(join(data, 'runs'));
    for (const [made, format] of ['GGUF', 'Packed'].entries()) {
      await page.getByRole('button', { name: 'Export…' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('radio', { name: format }).check({ force: true });
      await dialog.getByRole('button', { name: 'Export', exact: true }).click();
      await page.getByRole('button', { name: 'Remove the export' }).nth(made).waitFor(LONG);
    }
    const gguf = join(data, 'runs', run, 'gguf-f16');
    const [file = ''] = (await readdir(gguf)).filter((name) => name.endsWith('.gguf'));

    await page.getByRole('link', { name: 'Library' }).first().click();
    for (const [kind, path] of [
      ['GGUF file', join(gguf, file)],
      ['Folder', join(data, 'runs', run, 'packed')],
    ] as const) {
      await page.getByRole('button', { name: 'Add model' }).first().click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('radio', { name: kind }).check({ force: true });
      await dialog.getByRole('textbox', { name: /of the model$/ }).fill(path);
      await dialog.getByRole('button', { name: 'Add', exact: true }).click();
      await dialog.waitFor({ state: 'detached' });
    }
    // The file holds what was dequantized, as F16: only the packed one says that it is quantized.
    await page.getByRole('link', { name: 'packed', exact: true }).click();
    await page.getByText(/The weights of this model were quantized by CLAQ\./).waitFor();
    await page.getByRole('button', { name: 'More on packed' }).click();
    await page.getByRole('menuitem', { name: 'Measure perplexity' }).click();
    await expect.poll(() => page.locator('dl.figures').innerText(), LONG).toMatch(/Perplexity\s+\d+\.\d/i);
    await page.getByRole('button', { name: 'Export…' }).click();
    expect(await page.getByRole('dialog').getByRole('radio').count()).toBe(2);
    await page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).click();
    await page.getByRole('button', { name: 'Remove the export' }).waitFor(LONG);
    const again = join(data, 'runs', run, 'packed', 'gguf-f16');
    expect(await readdir(again)).toContain('SHA256SUMS');
  });

  it('adds a model by its folder, and says what is wrong with one that is none', async () => {
    const page = await openPage();
    await page.getByRole('button', { name: /A model’s folder/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Folder of the model' }).fill(data);
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog
      .getByText(/config\.json/)
      .first()
      .waitFor();
    await dialog.getByRole('textbox', { name: 'Folder of the model' }).fill(DEMO_FOLDER);
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await page
      .getByRole('heading', { name: 'model', exact: true })
      .or(page.getByRole('link', { name: 'model', exact: true }))
      .first()
      .waitFor();
  });

  it('downloads a model from a hub', async () => {
    const hub = await startLocalHub({
      repositories: { 'someone/small-llama': { revision: 'main', files: DEMO_FOLDER } },
    });
    try {
      const page = await openPage({ HF_ENDPOINT: hub.url });
      await page.getByRole('button', { name: /Download from Hugging Face/ }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('textbox').first().fill('someone/small-llama');
      await dialog.getByRole('button', { name: 'Download', exact: true }).click();
      await page.getByRole('link', { name: 'small-llama' }).first().waitFor(LONG);
      expect(await readFile(join(data, 'models', 'someone--small-llama', 'model.safetensors'))).toEqual(
        await readFile(join(DEMO_FOLDER, 'model.safetensors')),
      );
    } finally {
      await hub.close();
    }
  });

  it('pauses a run, ends, and goes on with it when it is started again', async () => {
    const page = await openPage();
    await page.getByRole('button', { name: 'Try the demo model' }).click();
    await page.waitForURL(/\/models\/1\/run$/);
    await page.getByText('Quick look', { exact: true }).click();
    await page.getByRole('spinbutton', { name: 'Calibration segments' }).fill('32');
    await page.getByRole('button', { name: 'Quantize' }).click();
    await page.waitForURL(/\/runs\/1$/);
    await page
      .getByText(/Quantizing/)
      .first()
      .waitFor(LONG);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused', { exact: true }).first().waitFor(LONG);
    expect(await studio?.stop()).toBe(0);
    const again = await openPage();
    await again.goto(new URL('/runs/1', again.url()).href);
    await again.getByRole('button', { name: 'Resume' }).click();
    await isComplete(again);
  });
});
