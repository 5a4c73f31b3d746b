import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type CliEvent, cliEventSchema } from '../../main/cli/json-events.ts';
import { RPC_PATH, SESSION_PATH, tokenOfHash } from '../../shared/session.ts';
import { claq, eventsOf, finish, type Finished, start } from './claq-process.ts';

const PAGE = '<!doctype html><title>CLAQ Studio</title>';

let page = '';
beforeAll(async () => {
  page = await mkdtemp(join(tmpdir(), 'claq-page-'));
  await writeFile(join(page, 'index.html'), PAGE);
});
afterAll(() => rm(page, { recursive: true }));

/** `claq serve` with a small studio: its first line, and how to end it. */
async function serve(...args: string[]): Promise<{ line: string; stop: () => Promise<Finished> }> {
  const child = start('tests/cli/serve-process.ts', [page, 'serve', ...args]);
  const finished = finish(child);
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then((lines: unknown[]) => String(lines[0])),
    finished.then(({ stderr }) => {
      throw new Error(stderr);
    }),
  ]);
  return {
    line,
    stop: () => {
      child.kill('SIGINT');
      return finished;
    },
  };
}

/** The event that a line holds. */
function servingEvent(line: string): Extract<CliEvent, { event: 'serving' }> {
  const event = cliEventSchema.parse(JSON.parse(line));
  if (event.event !== 'serving') throw new Error(`not where it serves: ${line}`);
  return event;
}

/** The cookie for the token in the address. */
async function cookieFor(url: string): Promise<string> {
  const { origin, hash } = new URL(url);
  const answer = await fetch(origin + SESSION_PATH, {
    method: 'POST',
    headers: { origin },
    body: JSON.stringify({ token: tokenOfHash(hash) }),
  });
  expect(answer.status).toBe(204);
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

describe('claq serve', () => {
  it('prints its address, serves there, and ends cleanly', async () => {
    const { line, stop } = await serve('--port', '0', '--data', 'some/folder');
    expect(line).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}$/);
    const { port, origin } = new URL(line);
    expect(await (await fetch(line)).text()).toBe(PAGE);
    const cookie = await cookieFor(line);
    const socket = new WebSocket(`ws://127.0.0.1:${port}${RPC_PATH}`, { headers: { origin, cookie } });
    await once(socket, 'open');
    const closed = once(socket, 'close');
    const { code, stdout, stderr } = await stop();
    expect([code, stdout]).toEqual([0, `${line}\n`]);
    expect(stderr).toMatch(/^opened some\/folder for the browser\n/);
    expect(stderr).toContain(`ssh -N -L ${port}:127.0.0.1:${port} `);
    expect(stderr).toMatch(/Ctrl-C again to quit at once\.\nclosed\n$/);
    expect((await closed)[0]).toBe(1001);
  });

  it('speaks JSON lines only when asked to', async () => {
    const { line, stop } = await serve('--port', '0', '--json');
    const { url, origin, port } = servingEvent(line);
    expect([origin, url.startsWith(`${origin}/#`)]).toEqual([`http://127.0.0.1:${port}`, true]);
    const { code, stdout, stderr } = await stop();
    expect(code).toBe(0);
    expect(stderr).toContain('opened the usual folder for the browser\n');
    const events = eventsOf(stdout.slice(line.length + 1));
    expect(events.map(({ event }) => event)).toEqual(['note', 'note', 'result']);
    expect(events.at(-1)).toEqual({ event: 'result', command: 'serve', result: { origin } });
  });

  it('tells of faults of the program on stderr', async () => {
    const { line, stop } = await serve('--port', '0');
    const { origin, host } = new URL(line);
    const socket = new WebSocket(`ws://${host}${RPC_PATH}`, {
      headers: { origin, cookie: await cookieFor(line) },
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ i: '1', p: { u: '/fail' } }));
    await once(socket, 'message');
    expect((await stop()).stderr).toMatch(
      /fault in claq: TypeError: the tests broke it\n {4}at .+serve-process\.ts/,
    );
  });

  it('answers to hosts that it is told of', async () => {
    const { line, stop } = await serve('--port', '0', '--allow-host', 'box:1', 'box:2');
    const { host, origin } = new URL(line);
    const statuses: (number | undefined)[] = [];
    for (const name of ['box:2', 'box:3']) {
      const socket = new WebSocket(`ws://${host}${RPC_PATH}`, { headers: { host: name, origin } });
      statuses.push(
        await new Promise((resolve) => {
          socket.on('unexpected-response', (request, { statusCode }) => {
            resolve(statusCode);
            request.destroy();
          });
          socket.on('error', () => undefined);
        }),
      );
    }
    expect(statuses).toEqual([403, 421]);
    await stop();
  });
});

describe('claq serve where it cannot', () => {
  it.each<[string, string[], string]>([
    ['a port that is none', ['--port', '65536'], 'error: --port: Too big: expected number to be <=65535'],
    ['a word for a port', ['--port', 'http'], 'It is not a number.'],
  ])('calls %s a usage error', async (_, args, message) => {
    const { code, stdout, stderr } = await claq('serve', ...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  it('says that the page is to be built, and closes the studio', async () => {
    const missing = join(page, 'missing');
    const { code, stdout, stderr } = await finish(
      start('tests/cli/serve-process.ts', [missing, 'serve', '--port', '0']),
    );
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(
      [
        'closed',
        'error: The page that would be served is not there',
        `  where: ${missing}`,
        '  expected: a built page with its index.html',
        '  found: ENOENT',
        '  what to do: build it with npm run build',
      ].join('\n'),
    );
  });

  it('says that a port is taken', async () => {
    const { line, stop } = await serve('--port', '0', '--json');
    const { port } = servingEvent(line);
    const { code, stderr } = await finish(
      start('tests/cli/serve-process.ts', [page, 'serve', '--port', String(port)]),
    );
    expect(code).toBe(1);
    expect(stderr).toContain(`where: 127.0.0.1:${port}\n  found: another program listens there\n`);
    await stop();
  });

  it('takes a free port where the usual one is taken and none was named', async () => {
    const taken = createServer();
    taken.listen(8725, '127.0.0.1');
    // Where something else has it, it is taken as well.
    taken.on('error', () => undefined);
    const { line, stop } = await serve();
    expect(new URL(line).port).not.toBe('8725');
    await stop();
    taken.close();
  });
});

describe('claq serve --open', () => {
  let programs = '';
  let path: string | undefined;
  beforeEach(async () => {
    programs = await mkdtemp(join(tmpdir(), 'claq-open-'));
    path = process.env['PATH'];
  });
  afterEach(async () => {
    process.env['PATH'] = path;
    await rm(programs, { recursive: true });
  });

  it('hands the browser an address that is good once', async () => {
    const opener = join(programs, process.platform === 'darwin' ? 'open' : 'xdg-open');
    const opened = join(programs, 'opened');
    await writeFile(opener, `#!/bin/sh\nprintf %s "$1" > ${opened}.part\nmv ${opened}.part ${opened}\n`);
    await chmod(opener, 0o755);
    process.env['PATH'] = [programs, path].join(delimiter);
    const { line, stop } = await serve('--port', '0', '--open');
    const url = await fileWhenThere(opened);
    expect(new URL(url).origin).toBe(new URL(line).origin);
    expect(tokenOfHash(new URL(url).hash)).not.toBe(tokenOfHash(new URL(line).hash));
    await cookieFor(url);
    await expect(cookieFor(url)).rejects.toThrow('401');
    await stop();
  });

  it('says so where there is no browser', async () => {
    process.env['PATH'] = programs;
    const { stop } = await serve('--port', '0', '--open');
    expect((await stop()).stderr).toContain('No browser was found: open the address above.\n');
  });
});

async function fileWhenThere(path: string): Promise<string> {
  for (;;) {
    try {
      return await readFile(path, 'utf8');
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
