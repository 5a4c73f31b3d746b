/**
 * npm run bench:start [-- --runs 5]: from the start of `claq serve` to a page that can be used, on a new library. The page is built
 * before, and Node's compile cache is warm, as from the second start on.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Browser } from 'playwright-core';
import { z } from 'zod';
import { launchBrowser } from '../tests/e2e/browser.ts';
import { note, section, table } from './report.ts';
import { Times } from './timing.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const servingSchema = z.object({ url: z.string() });
const options = z.object({ runs: z.coerce.number().int().min(1).max(50).default(5) });

interface Start {
  readonly address: number;
  readonly page: number;
}

async function startOnce(browser: Browser): Promise<Start> {
  const data = await mkdtemp(join(tmpdir(), 'claq-start-'));
  const began = performance.now();
  const child = spawn(
    process.execPath,
    ['main/cli/claq.ts', 'serve', '--port', '0', '--data', data, '--json'],
    {
      cwd: ROOT,
      env: { NODE_COMPILE_CACHE: join(ROOT, 'build', 'compile-cache'), ...process.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const lines: unknown[] = await once(createInterface(child.stdout), 'line');
  const { url } = servingSchema.parse(JSON.parse(String(lines[0])));
  const address = (performance.now() - began) / 1000;
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url, { waitUntil: 'commit' });
  await page.getByRole('button', { name: 'Try the demo model' }).click({ trial: true });
  const whole = (performance.now() - began) / 1000;
  await context.close();
  child.kill('SIGINT');
  await once(child, 'close');
  await rm(data, { recursive: true });
  return { address, page: whole - address };
}

const { values } = parseArgs({ options: { runs: { type: 'string' } } });
const { runs } = options.parse(values);
section('Start of claq serve');
const browser = await launchBrowser();
try {
  await startOnce(browser);
  const starts: Start[] = [];
  for (let run = 0; run < runs; run++) starts.push(await startOnce(browser));
  const times = (part: (start: Start) => number): string => String(new Times(starts.map(part)));
  table(
    'Cold start',
    ['', 'time'],
    [
      ['process to address', times(({ address }) => address)],
      ['address to a page that can be used', times(({ page }) => page)],
      ['together', times(({ address, page }) => address + page)],
    ],
  );
  note('Target: 1.5 s together.');
} finally {
  await browser.close();
}
