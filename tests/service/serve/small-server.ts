/** A server of the small contract with a small page, and its clients: good ones, and some that are not. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { expect } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { SERVER_LIMITS, type ServerLimits } from '../../../main/service/serve/server-limits.ts';
import {
  type RunningServer,
  type ServerOptions,
  startServer,
} from '../../../main/service/serve/start-server.ts';
import { RPC_PATH, SESSION_PATH } from '../../../shared/session.ts';
import { smallRouter, type smallContract, type Traces } from './small-contract.ts';

export const PAGE = '<!doctype html><title>CLAQ Studio</title>';
export const SCRIPT = `export const text = '${'claq '.repeat(1000)}';\n`;
export const SCRIPT_PATH = '/assets/main-B7x_3kQp.js';

/** A built page in a folder of its own, beside a file that is nobody's business. */
export async function smallPage(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const work = await mkdtemp(join(tmpdir(), 'claq-serve-'));
  const folder = join(work, 'renderer');
  await mkdir(join(folder, 'assets'), { recursive: true });
  await writeFile(join(folder, 'index.html'), PAGE);
  await writeFile(join(folder, SCRIPT_PATH), SCRIPT);
  await writeFile(join(work, 'secret.txt'), 'secret');
  await writeFile(join(work, 'secret.js'), 'secret');
  return { folder, remove: () => rm(work, { recursive: true }) };
}

export type SmallClient = ContractRouterClient<typeof smallContract>;

export interface Window {
  readonly socket: WebSocket;
  readonly client: SmallClient;
}

export class SmallServer {
  readonly server: RunningServer;
  readonly cookie: string;
  readonly traces: Traces;
  /** What the server's `onFault` was told. */
  readonly faults: readonly unknown[];
  readonly #sockets: (WebSocket | Socket)[] = [];
  readonly #removePage: () => Promise<void>;

  private constructor(
    server: RunningServer,
    cookie: string,
    traces: Traces,
    faults: readonly unknown[],
    removePage: () => Promise<void>,
  ) {
    this.server = server;
    this.cookie = cookie;
    this.traces = traces;
    this.faults = faults;
    this.#removePage = removePage;
  }

  static async start(
    limits: Partial<ServerLimits> = {},
    options: Partial<ServerOptions> = {},
  ): Promise<SmallServer> {
    const { folder, remove } = await smallPage();
    const traces: Traces = { begun: 0, ended: 0, flooded: 0 };
    const faults: unknown[] = [];
    const server = await startServer({
      router: smallRouter(traces),
      rendererFolder: folder,
      port: 0,
      onFault: (error) => faults.push(error),
      limits: { ...SERVER_LIMITS, wrongToken: 1, leave: 2000, ...limits },
      ...options,
    });
    return new SmallServer(server, await sessionCookie(server), traces, faults, remove);
  }

  /** The headers of the page's own WebSocket. */
  get ownHeaders(): Record<string, string> {
    return { origin: this.server.origin, cookie: this.cookie };
  }

  /** A WebSocket with these headers, whatever becomes of it. */
  socket(
    headers: Record<string, string> = this.ownHeaders,
    path = RPC_PATH,
    options: ClientOptions = {},
  ): WebSocket {
    const socket = new WebSocket(`ws://127.0.0.1:${this.server.port}${path}`, { headers, ...options });
    socket.on('error', () => undefined);
    this.#sockets.push(socket);
    return socket;
  }

  async open(): Promise<Window> {
    const socket = this.socket();
    await once(socket, 'open');
    const client: SmallClient = createORPCClient(new RPCLink({ websocket: asBrowserHasIt(socket) }));
    return { socket, client };
  }

  /** The status of a request for a WebSocket that gets none. */
  async refusedUpgrade(headers: Record<string, string>, path = RPC_PATH): Promise<number | undefined> {
    const socket = this.socket(headers, path);
    return await new Promise((resolve, reject) => {
      socket.on('unexpected-response', (request, response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      socket.on('open', () => reject(new Error('the WebSocket opened')));
    });
  }

  /** A TCP connection. */
  tcp(): Socket {
    const socket = connect(this.server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    this.#sockets.push(socket);
    return socket;
  }

  /** Sends these bytes and gives all that comes until the connection ends. */
  async raw(request: string): Promise<string> {
    const socket = this.tcp();
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write(request);
    await once(socket, 'close');
    return Buffer.concat(chunks).toString('latin1');
  }

  /** A GET whose path goes out as it stands. */
  async rawGet(path: string, host = `127.0.0.1:${this.server.port}`): Promise<string> {
    return await this.raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  }

  /** The server goes on as if nothing had been. */
  async expectAlive(): Promise<void> {
    const { client, socket } = await this.open();
    expect(await client.double({ value: 21 })).toBe(42);
    socket.close();
    await once(socket, 'close');
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets) {
      if (socket instanceof WebSocket) socket.terminate();
      else socket.destroy();
    }
    await this.server.close();
    await this.#removePage();
  }
}

/** The part of a browser's WebSocket that a client needs. */
export function asBrowserHasIt(
  socket: WebSocket,
): Pick<globalThis.WebSocket, 'addEventListener' | 'removeEventListener' | 'send' | 'readyState'> {
  const events = new EventTarget();
  socket.on('message', (data) =>
    events.dispatchEvent(
      new MessageEvent('message', { data: data instanceof Buffer ? data.toString() : data }),
    ),
  );
  socket.on('close', () => events.dispatchEvent(new Event('close')));
  return {
    addEventListener: events.addEventListener.bind(events),
    removeEventListener: events.removeEventListener.bind(events),
    send: (message) => socket.send(message),
    get readyState() {
      return socket.readyState;
    },
  };
}

/** Posts to the address for sessions, from the server's page where the headers do not say otherwise. */
export async function postToken(
  server: RunningServer,
  body: string,
  headers: Record<string, string> = { origin: server.origin },
): Promise<Response> {
  return await fetch(`${server.origin}${SESSION_PATH}`, { method: 'POST', headers, body });
}

async function sessionCookie(server: RunningServer): Promise<string> {
  const answer = await postToken(server, JSON.stringify({ token: server.token }));
  expect(answer.status).toBe(204);
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';');
  return cookie;
}

/** Resolves when the state is reached: the events that lead to it are on the server's side. */
export async function until(isReached: () => boolean): Promise<void> {
  while (!isReached()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Code and reason with which a WebSocket was closed. */
export async function closing(socket: WebSocket): Promise<[code: number, reason: string]> {
  return await new Promise((resolve) =>
    socket.on('close', (code, reason) => resolve([code, reason.toString()])),
  );
}
