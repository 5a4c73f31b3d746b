import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { closing, SmallServer, until } from './small-server.ts';

let small: SmallServer;
afterEach(() => small.end());

describe('a request for a WebSocket', () => {
  it('is granted to the page that has the cookie', async () => {
    small = await SmallServer.start();
    await small.expectAlive();
  });

  it.each<[string, number, (own: Record<string, string>, port: number) => Record<string, string>]>([
    ['without the cookie', 401, ({ origin = '' }) => ({ origin })],
    [
      'with another cookie',
      401,
      ({ origin = '' }, port) => ({ origin, cookie: `claq-session-${port}=${'A'.repeat(43)}` }),
    ],
    ['with an empty cookie', 401, ({ origin = '' }, port) => ({ origin, cookie: `claq-session-${port}=` })],
    [
      "with the cookie under another port's name",
      401,
      ({ origin = '', cookie = '' }) => ({ origin, cookie: cookie.replace(/\d+=/, '1=') }),
    ],
    ['of a page of another site', 403, (own) => ({ ...own, origin: 'http://evil.example' })],
    ['of a page at another port', 403, (own) => ({ ...own, origin: 'http://127.0.0.1:1' })],
    [
      'of a page by another of its names',
      403,
      (own, port) => ({ ...own, origin: `http://localhost:${port}` }),
    ],
    ['of a page over TLS', 403, (own, port) => ({ ...own, origin: `https://127.0.0.1:${port}` })],
    ['of a page without an origin', 403, (own) => ({ ...own, origin: 'null' })],
    ['of a program, without an Origin', 403, ({ cookie = '' }) => ({ cookie })],
    [
      'by a name that was made to point here',
      421,
      (own, port) => ({ ...own, host: `evil.example:${port}`, origin: `http://evil.example:${port}` }),
    ],
    ['by a name of the loopback with another port', 421, (own) => ({ ...own, host: '127.0.0.1:1' })],
    ['by an address that is not the server’s', 421, (own, port) => ({ ...own, host: `127.0.0.2:${port}` })],
  ])('%s is refused with %d', async (_, status, headersOf) => {
    small = await SmallServer.start();
    expect(await small.refusedUpgrade(headersOf(small.ownHeaders, small.server.port))).toBe(status);
    await small.expectAlive();
  });

  it('at another path is refused, and told nothing about cookies', async () => {
    small = await SmallServer.start();
    expect(await small.refusedUpgrade(small.ownHeaders, '/')).toBe(404);
    expect(await small.refusedUpgrade(small.ownHeaders, '/rpc/')).toBe(404);
    await small.expectAlive();
  });

  it('with two Hosts is refused', async () => {
    small = await SmallServer.start();
    const answer = await small.raw(
      `GET /rpc HTTP/1.1\r\nHost: 127.0.0.1:${small.server.port}\r\nHost: evil.example\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    await small.expectAlive();
  });

  it('that is no proper handshake is refused', async () => {
    small = await SmallServer.start();
    const answer = await small.raw(
      `GET /rpc HTTP/1.1\r\nHost: 127.0.0.1:${small.server.port}\r\nOrigin: ${small.server.origin}\r\n` +
        `Cookie: ${small.cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: short\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    await small.expectAlive();
  });

  it('is granted by a host that was allowed, over a proxy with TLS too', async () => {
    small = await SmallServer.start({}, { allowedHosts: ['GPU-Box:9000'] });
    for (const origin of ['http://gpu-box:9000', 'https://gpu-box:9000']) {
      const socket = small.socket({ host: 'gpu-box:9000', origin, cookie: small.cookie });
      await once(socket, 'open');
    }
    expect(
      await small.refusedUpgrade({ host: 'gpu-box:9000', origin: small.server.origin, cookie: small.cookie }),
    ).toBe(403);
  });

  it('does not let one server’s cookie into another', async () => {
    small = await SmallServer.start();
    const other = await SmallServer.start();
    const cookies = `${small.cookie}; ${other.cookie}`;
    const [value] = other.cookie.split('=').slice(1);
    const forged = `${small.cookie.split('=')[0] ?? ''}=${value ?? ''}`;
    expect(await small.refusedUpgrade({ ...small.ownHeaders, cookie: forged })).toBe(401);
    await once(small.socket({ ...small.ownHeaders, cookie: cookies }), 'open');
    await other.end();
  });
});

describe('windows', () => {
  it('beyond their number are refused, until one closes', async () => {
    small = await SmallServer.start({ windows: 2 });
    const first = await small.open();
    const second = await small.open();
    expect(await small.refusedUpgrade(small.ownHeaders)).toBe(503);
    expect(await second.client.double({ value: 1 })).toBe(2);
    first.socket.close();
    await once(first.socket, 'close');
    await small.expectAlive();
  });

  it('that answer no ping are dropped, and their streams end', async () => {
    small = await SmallServer.start({ heartbeat: 250 });
    const silent = small.socket(small.ownHeaders, '/rpc', { autoPong: false });
    await once(silent, 'open');
    const talking = await small.open();
    const closed = closing(silent);
    silent.send(JSON.stringify({ i: '1', p: { u: '/count', b: { json: { end: 1 } } } }));
    await until(() => small.traces.begun === 1);
    // 1006: without a farewell.
    expect(await closed).toEqual([1006, '']);
    await until(() => small.traces.ended === 1);
    expect(await talking.client.double({ value: 3 })).toBe(6);
  });

  it('are told when the server closes; streams and calls end', async () => {
    small = await SmallServer.start();
    const { client, socket } = await small.open();
    const closed = closing(socket);
    const events = await client.count({ end: 1 });
    expect(await events.next()).toEqual({ done: false, value: 0 });
    const call = client.wait().catch((error: unknown) => error);
    await until(() => small.traces.begun === 2);
    await small.server.close();
    expect(small.traces.ended).toBe(2);
    expect(await closed).toEqual([1001, 'the server ends']);
    expect(await call).toBeInstanceOf(Error);
  });

  it('that do not take their leave are cut off', async () => {
    small = await SmallServer.start({ leave: 50 });
    const { socket } = await small.open();
    socket.pause();
    const idle = small.tcp();
    const stalled = small.tcp();
    stalled.write('GET / HTTP/1.1\r\nHost:');
    await Promise.all([once(idle, 'connect'), once(stalled, 'connect')]);
    await Promise.all([small.server.close(), small.server.close()]);
    await expect(fetch(small.server.origin)).rejects.toThrow();
    await expect(fetch(small.server.origin)).rejects.toThrow();
  });
});
