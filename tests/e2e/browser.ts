import { existsSync } from 'node:fs';
import chromiumInPackage from '@sparticuz/chromium';
import { chromium, type Browser } from 'playwright-core';

/** Where Debian and Ubuntu put a browser of their own. */
const SYSTEM_BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * A headless Chromium: the one that comes inside of an npm package, or, where a bare machine lacks the libraries that
 * it wants, the system's own.
 */
export async function launchBrowser(): Promise<Browser> {
  const candidates = [
    await chromiumInPackage.executablePath(),
    ...SYSTEM_BROWSERS.filter((path) => existsSync(path)),
  ];
  const failures: unknown[] = [];
  for (const executablePath of candidates) {
    try {
      // A container's root has no user namespace to build the sandbox in; the pages are our own.
      return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, 'no browser starts here: install one with "apt-get install chromium"');
}
