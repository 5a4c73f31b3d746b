import { once } from 'node:events';
import { ORPCError, safe } from '@orpc/client';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plainError } from '../../../shared/errors.ts';
import { FLOOD_EVENT, REFUSAL } from './small-contract.ts';
import { closing, SmallServer, until } from './small-server.ts';

const MESSAGE_BYTES = 64 * 1024;
const WAITING_BYTES = 1024 * 1024;
const CALLS_AT_ONCE = 64;

let small: SmallServer;
beforeEach(async () => {
  small = await SmallServer.start({
    messageBytes: MESSAGE_BYTES,
    waitingBytes: WAITING_BYTES,
    callsAtOnce: CALLS_AT_ONCE,
  });
});
afterEach(() => small.end());

describe('a call', () => {
  it('is answered', async () => {
    const { client } = await small.open();
    expect(await Promise.all([1, 2, 3].map((value) => client.double({ value })))).toEqual([2, 4, 6]);
  });

  it('fails with our own error, typed', async () => {
    const { client } = await small.open();
    const { error, isDefined } = await safe(client.refuse());
    if (!isDefined) throw new Error('the error did not arrive as one of the contract');
    expect(error.code).toBe('CLAQ');
    expect(error.data).toEqual(JSON.parse(JSON.stringify(plainError(REFUSAL))));
  });

  it('fails without details where the program is at fault, which is told on this side', async () => {
    const { client } = await small.open();
    const error = await client.break().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ORPCError);
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(small.faults).toEqual([new TypeError('a secret of the program')]);
  });

  it('with a wrong request is told so, and is no fault', async () => {
    const { client } = await small.open();
    // @ts-expect-error what another version of the page might send
    await expect(client.double({ number: 1 })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(small.faults).toEqual([]);
  });
});

describe('a stream', () => {
  it('arrives, and ends on this side when the client has enough', async () => {
    const { client } = await small.open();
    const values: number[] = [];
    for await (const value of await client.count({ end: 1000 })) {
      values.push(value);
      if (value === 4) break;
    }
    expect(values).toEqual([0, 1, 2, 3, 4]);
    await until(() => small.traces.ended === 1);
  });

  it('ends when its call is called off', async () => {
    const { client } = await small.open();
    const stop = new AbortController();
    const events = await client.count({ end: 1 }, { signal: stop.signal });
    await events.next();
    stop.abort();
    await until(() => small.traces.ended === 1);
    await small.expectAlive();
  });

  it.each<[string, 'close' | 'terminate']>([
    ['leaves', 'close'],
    ['vanishes', 'terminate'],
  ])('ends when the client %s', async (_, how) => {
    const { client, socket } = await small.open();
    const events = await client.count({ end: 1 });
    await events.next();
    socket[how]();
    await until(() => small.traces.ended === 1);
    await small.expectAlive();
  });

  it('waits for a client that does not read', async () => {
    const { client, socket } = await small.open();
    const events = await client.flood();
    await events.next();
    socket.pause();
    // It stands still when the buffers of the two sockets are full; others go on meanwhile.
    for (let before = -1; before !== small.traces.flooded;) {
      before = small.traces.flooded;
      for (let calls = 0; calls < 5; calls++) await small.expectAlive();
    }
    const waiting = small.traces.flooded;
    socket.resume();
    for (let event = 1; event < waiting + 100; event++) {
      expect(await events.next()).toEqual({ done: false, value: FLOOD_EVENT });
    }
    expect(small.traces.flooded).toBeGreaterThan(waiting);
  });
});

describe('a client', () => {
  it('that asks for more than it reads is dropped', async () => {
    const { client, socket } = await small.open();
    const events = await client.count({ end: 1 });
    await events.next();
    socket.pause();
    // More than the buffers of the two sockets take, and asked for at once.
    const calls = Array.from({ length: 60 }, () =>
      client.letters({ count: WAITING_BYTES }).catch(() => 'failed'),
    );
    await until(() => small.traces.ended === 1);
    await small.expectAlive();
    socket.resume();
    expect(await Promise.all(calls)).toContain('failed');
  });

  it('with too many calls at once is dropped', async () => {
    const { client, socket } = await small.open();
    const closed = closing(socket);
    const calls = Array.from({ length: CALLS_AT_ONCE + 1 }, () => client.wait().catch(() => 'failed'));
    expect(await closed).toEqual([1008, 'too many calls at once']);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['failed']));
    await until(() => small.traces.ended === CALLS_AT_ONCE);
    await small.expectAlive();
  });

  it.each<[string, string | Buffer, number]>([
    ['a message that is too long', 'x'.repeat(MESSAGE_BYTES + 1), 1009],
    ['bytes', Buffer.from('{}'), 1003],
    ['no JSON', 'hello', 1007],
    ['nothing', '', 1007],
    ['a number', '7', 1007],
    ['null', 'null', 1007],
    ['a list', '[]', 1007],
    ['JSON that is no call', '{"a":1}', 1007],
    ['a call without a request', '{"i":"1"}', 1007],
    ['a call to a number', '{"i":"1","p":{"u":5}}', 1007],
    ['a call to no address', '{"i":"1","p":{"u":"::"}}', 1007],
  ])('that sends %s is dropped, and no other', async (_, message, code) => {
    const other = await small.open();
    const { socket } = await small.open();
    const closed = closing(socket);
    socket.send(message);
    expect((await closed)[0]).toBe(code);
    expect(await other.client.double({ value: 2 })).toBe(4);
    await small.expectAlive();
  });

  it.each<[string, object, number]>([
    ['what does not exist', { u: '/nothing' }, 404],
    ['what every object has', { u: '/constructor' }, 404],
    ['the prototype', { u: '/__proto__/toString' }, 404],
    ['a path in another host', { u: 'http://evil.example/double' }, 400],
    ['it with a prototype for an input', { u: '/double', b: { json: { __proto__: null, value: {} } } }, 400],
    ['it with meta that climbs', { u: '/double', b: { json: {}, meta: [[0, '__proto__', 'value']] } }, 400],
    ['it with a stream for an input', { u: '/double', h: { 'content-type': 'text/event-stream' } }, 400],
  ])('that calls %s gets an answer', async (_, request, status) => {
    const { socket } = await small.open();
    socket.send(JSON.stringify({ i: '1', p: request }));
    const answer: unknown[] = await once(socket, 'message');
    expect(JSON.parse(String(answer[0]))).toMatchObject({ i: '1', p: { s: status } });
    await small.expectAlive();
  });

  it.each<[string, number[], number]>([
    ['a frame of a kind that does not exist', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['a frame with reserved bits', [0xf1, 0x80, 0, 0, 0, 0], 1002],
    ['a frame without a mask', [0x81, 0x01, 0x61], 1002],
    ['a continuation of nothing', [0x80, 0x80, 0, 0, 0, 0], 1002],
    ['a ping that is too long', [0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0], 1002],
    ['a frame of 2^53 bytes', [0x81, 0xff, 0x00, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1009],
    ['text that is no UTF-8', [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007],
    ['a request in the middle', [...Buffer.from('GET / HTTP/1.1\r\n\r\n')], 1002],
  ])('that sends %s is dropped, and no other', async (_, bytes, code) => {
    const other = await small.open();
    const socket = small.tcp();
    await handshake(socket);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write(Buffer.from(bytes));
    await once(socket, 'close');
    const answer = Buffer.concat(chunks);
    // A close frame: its code is the first two bytes of the payload.
    expect([answer[0], answer.readUInt16BE(2)]).toEqual([0x88, code]);
    expect(await other.client.double({ value: 2 })).toBe(4);
  });

  it('may send anything: the server lives on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyMessage, { maxLength: 5 }), async (messages) => {
        const { socket } = await small.open();
        for (const message of messages) socket.send(message);
        socket.close();
        await once(socket, 'close');
      }),
      { numRuns: 150 },
    );
    await small.expectAlive();
  });

  it('may send any bytes for frames: the server lives on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 64 }), async (bytes) => {
        const socket = small.tcp();
        await handshake(socket);
        socket.resume();
        socket.end(bytes);
        await once(socket, 'close');
      }),
      { numRuns: 100 },
    );
    await small.expectAlive();
  });

  async function handshake(socket: ReturnType<SmallServer['tcp']>): Promise<void> {
    socket.write(
      `GET /rpc HTTP/1.1\r\nHost: 127.0.0.1:${small.server.port}\r\nOrigin: ${small.server.origin}\r\n` +
        `Cookie: ${small.cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`,
    );
    const answer: unknown[] = await once(socket, 'data');
    expect(String(answer[0])).toMatch(/^HTTP\/1\.1 101 /);
  }
});

/** Near to calls, so that much of it gets past the first look; and anything at all. */
const anyMessage = fc.oneof(
  fc.string(),
  fc.json(),
  fc
    .record(
      {
        i: fc.oneof(fc.string(), fc.jsonValue()),
        t: fc.oneof(fc.constantFrom(1, 2, 3, 4), fc.jsonValue()),
        p: fc.oneof(
          fc.record(
            {
              u: fc.oneof(fc.constantFrom('/double', '/count', '/refuse', '/letters'), fc.string()),
              b: fc.oneof(
                fc.record(
                  { json: fc.jsonValue(), meta: fc.jsonValue(), maps: fc.jsonValue() },
                  { requiredKeys: [] },
                ),
                fc.jsonValue(),
              ),
              h: fc.oneof(
                fc.dictionary(
                  fc.constantFrom('content-type', 'content-disposition', 'last-event-id'),
                  fc.oneof(
                    fc.constantFrom(
                      'text/event-stream',
                      'multipart/form-data; boundary=x',
                      'attachment; filename=x',
                    ),
                    fc.string(),
                  ),
                ),
                fc.jsonValue(),
              ),
              m: fc.oneof(fc.constantFrom('GET', 'POST'), fc.jsonValue()),
            },
            { requiredKeys: [] },
          ),
          fc.record({ e: fc.constantFrom('message', 'error', 'done'), d: fc.jsonValue(), m: fc.jsonValue() }),
          fc.jsonValue(),
        ),
      },
      { requiredKeys: [] },
    )
    .map((message) => JSON.stringify(message)),
);
