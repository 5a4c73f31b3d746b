/** What no client of ours can show: that a real browser lets the page in, and keeps other sites' pages out. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../../main/service/serve/start-server.ts';
import { launchBrowser } from '../../e2e/browser.ts';
import { smallRouter } from './small-contract.ts';

/** Speaks the protocol of shared/session.ts, and shows the answer of a call as its title. */
const PAGE_SCRIPT = `
if (location.hash !== '') {
  const token = decodeURIComponent(location.hash.slice(1));
  await fetch('/session', { method: 'POST', body: JSON.stringify({ token }) });
  history.replaceState(null, '', location.pathname);
}
const socket = new WebSocket('/rpc');
socket.onopen = () => socket.send(JSON.stringify({ i: '1', p: { u: '/double', b: { json: { value: 21 } } } }));
socket.onmessage = ({ data }) => (document.title = 'answer ' + JSON.parse(data).p.b.json);
socket.onclose = async () => (document.title = 'refused ' + (await fetch('/rpc')).status);
document.getElementById('styled').style.width = '33px';
`;

const PAGE = `<!doctype html><html lang="en"><head><title>starts</title></head><body>
<div id="styled" style="height: 44px">.</div>
<script>document.body.dataset.inline = 'ran'</script>
<script type="module" src="/main.js"></script></body></html>`;

let browser: Browser;
let server: RunningServer;
let folder = '';
beforeAll(async () => {
  browser = await launchBrowser();
  folder = await mkdtemp(join(tmpdir(), 'claq-browser-'));
  await writeFile(join(folder, 'index.html'), PAGE);
  await writeFile(join(folder, 'main.js'), PAGE_SCRIPT);
});
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true });
});

let context: BrowserContext;
let page: Page;
beforeEach(async () => {
  server = await startServer({
    router: smallRouter({ begun: 0, ended: 0, flooded: 0 }),
    rendererFolder: folder,
    port: 0,
  });
  context = await browser.newContext();
  page = await context.newPage();
});
afterEach(async () => {
  await context.close();
  await server.close();
});

async function titleOf(shown: Page): Promise<string> {
  // Not waitForFunction: its second look is an eval, which the page's policy refuses.
  await expect.poll(() => shown.title()).not.toBe('starts');
  return await shown.title();
}

describe('a browser', () => {
  it.each(['127.0.0.1', 'localhost'])('is let in by the printed address, at %s', async (name) => {
    await page.goto(server.url.replace('127.0.0.1', name));
    expect(await titleOf(page)).toBe('answer 42');
    expect(page.url()).toBe(`http://${name}:${server.port}/`);
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it('stays in when the page is loaded again, and in other windows', async () => {
    await page.goto(server.url);
    await titleOf(page);
    await page.reload();
    expect(await titleOf(page)).toBe('answer 42');
    const second = await context.newPage();
    await second.goto(`${server.origin}/runs/7`);
    expect(await titleOf(second)).toBe('answer 42');
  });

  it('is not let in without the token, and the page can say so', async () => {
    await page.goto(server.origin);
    expect(await titleOf(page)).toBe('refused 401');
  });

  it('keeps two servers of a host apart', async () => {
    const other = await startServer({
      router: smallRouter({ begun: 0, ended: 0, flooded: 0 }),
      rendererFolder: folder,
      port: 0,
    });
    for (const url of [server.url, other.url, server.origin, other.origin]) {
      await page.goto(url);
      expect(await titleOf(page)).toBe('answer 42');
    }
    await other.close();
  });

  it('runs no script and no style that stands in the page, and lets scripts set styles', async () => {
    await page.goto(server.url);
    await titleOf(page);
    expect(
      await page.evaluate(`[
        document.body.dataset.inline ?? 'did not run',
        document.getElementById('styled').offsetWidth,
        document.getElementById('styled').offsetHeight === 44,
      ]`),
    ).toEqual(['did not run', 33, false]);
  });
});

describe("another site's page", () => {
  let site: Server;
  let siteOrigin = '';
  beforeEach(async () => {
    site = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>starts</title>'),
    );
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    const address = site.address();
    siteOrigin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    // The browser has the cookie, and for a cookie two ports are the same site.
    await page.goto(server.url);
    await titleOf(page);
    await page.goto(siteOrigin);
  });
  afterEach(() => {
    site.closeAllConnections();
    site.close();
  });

  it('gets no WebSocket, though the browser sends the cookie along', async () => {
    const end = await page.evaluate(
      (url) =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(url);
          socket.onopen = () => resolve('open');
          socket.onclose = () => resolve('closed');
        }),
      `ws://127.0.0.1:${server.port}/rpc`,
    );
    expect(end).toBe('closed');
  });

  it('reads nothing of the server, and shows none of it', async () => {
    const outcomes = await page.evaluate(`(async (origin) => {
      const settled = await Promise.allSettled([
        fetch(origin),
        fetch(origin + '/rpc', { credentials: 'include' }),
        fetch(origin + '/session', { method: 'POST', body: '{}' }),
        fetch(origin + '/main.js', { mode: 'no-cors' }),
      ]);
      const frame = document.createElement('iframe');
      frame.src = origin;
      const loaded = new Promise((resolve) => (frame.onload = resolve));
      document.body.append(frame);
      await loaded;
      return settled.map(({ status }) => status);
    })('${server.origin}')`);
    expect(outcomes).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
    // The frame has loaded before the test hears where it is.
    await expect
      .poll(() => page.frames().map((frame) => frame.url()))
      .toEqual([`${siteOrigin}/`, 'chrome-error://chromewebdata/']);
  });
});
