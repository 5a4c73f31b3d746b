import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startServer } from '../../../main/service/serve/start-server.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { tokenOfHash } from '../../../shared/session.ts';
import { PAGE, postToken, SCRIPT, SCRIPT_PATH, smallPage, SmallServer } from './small-server.ts';
import { smallRouter } from './small-contract.ts';

let small: SmallServer | undefined;
afterEach(async () => {
  await small?.end();
  small = undefined;
});
const start = async (...options: Parameters<typeof SmallServer.start>): Promise<SmallServer> =>
  (small = await SmallServer.start(...options));

describe('startServer', () => {
  it('gives an address with a token of 256 bits, another each time', async () => {
    const first = await start();
    const second = await SmallServer.start();
    await second.end();
    const { url, origin, port, token } = first.server;
    expect(origin).toBe(`http://127.0.0.1:${port}`);
    expect(url).toBe(`${origin}/#${token}`);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(second.server.token).not.toBe(token);
  });

  it('says so where the port is taken', async () => {
    const { folder, remove } = await smallPage();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const traces = { begun: 0, ended: 0, flooded: 0 };
    const error: unknown = await startServer({
      router: smallRouter(traces),
      rendererFolder: folder,
      port,
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ClaqError);
    expect(error).toMatchObject({
      code: 'serve/address-unavailable',
      where: `127.0.0.1:${port}`,
      found: 'another program listens there',
    });
    taken.close();
    await remove();
  });

  it('says so where the page was not built', async () => {
    const { folder, remove } = await smallPage();
    const traces = { begun: 0, ended: 0, flooded: 0 };
    const options = { router: smallRouter(traces), rendererFolder: folder, port: 0 };
    await rm(join(folder, 'index.html'));
    await expect(startServer(options)).rejects.toMatchObject({
      code: 'serve/window-not-built',
      where: folder,
      remedy: 'build it with npm run build',
    });
    await remove();
    await expect(startServer(options)).rejects.toMatchObject({
      code: 'serve/window-not-built',
      found: 'ENOENT',
    });
  });

  it('drops connections beyond their number', async () => {
    const server = await start({ connections: 8 });
    const sockets = Array.from({ length: 8 }, () => server.tcp());
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const ninth = server.tcp();
    ninth.resume();
    await once(ninth, 'close');
    for (const socket of sockets) socket.destroy();
    // It hears of that a little later.
    while (!(await server.rawGet('/')).startsWith('HTTP/1.1 200 '));
    await server.expectAlive();
  });
});

describe('the address for sessions', () => {
  it('changes the token for a cookie that scripts cannot read', async () => {
    const { server } = await start();
    const answer = await postToken(server, JSON.stringify({ token: server.token }));
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect(answer.headers.get('set-cookie')).toMatch(
      new RegExp(`^claq-session-${server.port}=[\\w-]{43}; Path=/rpc; HttpOnly; SameSite=Strict$`),
    );
  });

  it.each<[string, number, (token: string) => string]>([
    ['another token', 401, () => JSON.stringify({ token: 'A'.repeat(43) })],
    ['a part of the token', 401, (token) => JSON.stringify({ token: token.slice(0, -1) })],
    ['no token', 400, () => '{}'],
    ['an empty token', 400, () => '{"token":""}'],
    ['something beside the token', 400, (token) => JSON.stringify({ token, more: 1 })],
    ['no JSON', 400, (token) => token],
    ['nothing', 400, () => ''],
    ['more than any token has', 413, (token) => JSON.stringify({ token }) + ' '.repeat(5000)],
  ])('refuses %s with %d', async (_, status, bodyOf) => {
    const { server } = await start();
    const answer = await postToken(server, bodyOf(server.token));
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([status, null]);
    await small?.expectAlive();
  });

  it.each<[string, Record<string, string>]>([
    ['other sites', { origin: 'http://evil.example' }],
    ['pages at other ports', { origin: 'http://127.0.0.1:1' }],
    ['whoever has no origin', {}],
  ])('refuses the token to %s', async (_, headers) => {
    const { server } = await start();
    const answer = await postToken(server, JSON.stringify({ token: server.token }), headers);
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([403, null]);
  });

  it('takes a ticket once', async () => {
    const { server } = await start();
    const ticket = tokenOfHash(new URL(server.ticketUrl()).hash);
    const body = JSON.stringify({ token: ticket });
    expect(ticket).not.toBe(server.token);
    expect((await postToken(server, body)).status).toBe(204);
    expect((await postToken(server, body)).status).toBe(401);
  });

  it('tells a page that reloads whether its cookie is good', async () => {
    const { server, cookie } = await start();
    expect((await fetch(`${server.origin}/rpc`, { headers: { cookie } })).status).toBe(426);
    expect((await fetch(`${server.origin}/rpc`)).status).toBe(401);
  });
});

describe('the page', () => {
  it('is served to everybody, with every guard that a browser has', async () => {
    const { server } = await start();
    const answer = await fetch(server.origin);
    expect([answer.status, await answer.text()]).toEqual([200, PAGE]);
    const { port } = server;
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'content-security-policy': `default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self' ws://127.0.0.1:${port}; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), serial=(), usb=()',
    });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it.each(['/', '/index.html', '/runs/7', '/settings/', '/?x=1', '/runs?model=3'])(
    'is at %s',
    async (path) => {
      const { server } = await start();
      expect(await (await fetch(server.origin + path)).text()).toBe(PAGE);
    },
  );

  it('has files that a browser keeps for good where their name tells their contents', async () => {
    const { server } = await start();
    const answer = await fetch(server.origin + SCRIPT_PATH);
    expect(await answer.text()).toBe(SCRIPT);
    expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  it('is not sent again to who has it', async () => {
    const { server } = await start();
    const etag = (await fetch(server.origin)).headers.get('etag') ?? '';
    const headers = { 'if-none-match': `W/"other", ${etag}` };
    const again = await fetch(server.origin, { headers });
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    expect((await fetch(server.origin + SCRIPT_PATH, { headers })).status).toBe(200);
  });

  it('is compressed for who can read that', async () => {
    const { server } = await start();
    const lengths = await Promise.all(
      ['br', 'gzip', 'identity'].map(async (encoding) => {
        const answer = await fetch(server.origin + SCRIPT_PATH, { headers: { 'accept-encoding': encoding } });
        expect(await answer.text()).toBe(SCRIPT);
        expect(answer.headers.get('vary')).toBe('Accept-Encoding');
        return [
          answer.headers.get('content-encoding'),
          Number(answer.headers.get('content-length')),
        ] as const;
      }),
    );
    expect(lengths.map(([encoding]) => encoding)).toEqual(['br', 'gzip', null]);
    expect(lengths[2]?.[1]).toBe(SCRIPT.length);
    for (const [, length] of lengths.slice(0, 2)) expect(length).toBeLessThan(SCRIPT.length / 10);
  });

  it('answers HEAD with the headers alone', async () => {
    const { server } = await start();
    const answer = await fetch(server.origin, { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([
      200,
      String(PAGE.length),
      '',
    ]);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('takes no %s', async (method) => {
    const server = await start();
    const answer = await server.raw(
      `${method} / HTTP/1.1\r\nHost: 127.0.0.1:${server.server.port}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 405 /);
  });

  it.each([
    '/../secret.txt',
    '/../secret.js',
    '/assets/../../secret.txt',
    '/./../secret.txt',
    '//../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/%252e%252e%252fsecret.txt',
    '/..\\secret.txt',
    '/..%5csecret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '/secret.txt%00.js',
    '/%00',
    '/%',
    '/assets/../index.html',
    '/assets/missing.js',
    '/assets/.',
    '/index.html/',
    'secret.txt',
    '*',
    'file:///etc/passwd',
    'http://evil.example/index.html',
  ])('does not lead to %s', async (path) => {
    const server = await start();
    const answer = await server.rawGet(path);
    // Node itself refuses what is no HTTP.
    expect(answer).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(answer).not.toContain('secret');
    await server.expectAlive();
  });

  it.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1',
    'localhost:1',
    '127.0.0.1.evil.example',
    '[::2]',
    '',
  ])('is not shown to who asks for host %s', async (host) => {
    const server = await start();
    const answer = await server.rawGet('/', host);
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    expect(answer).not.toContain(PAGE);
  });

  it('is shown by all names of the loopback', async () => {
    const server = await start();
    for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]']) {
      const answer = await server.rawGet('/', `${name}:${server.server.port}`);
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      expect(answer).toContain(`ws://${name.toLowerCase()}:${server.server.port};`);
    }
  });

  it('outlives requests that are none', async () => {
    const server = await start();
    for (const garbage of [
      '\r\n\r\n',
      'GET\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    ]) {
      expect(await server.raw(`${garbage}GARBAGE\r\n\r\n`)).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    await server.expectAlive();
  });
});
