/**
 * The service for browsers: serves the page, and carries the contract over a WebSocket, to whoever has the token
 * (shared/session.ts has the protocol). It listens on the loopback, where other users of the machine and the pages of other
 * sites arrive too.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { onError, ORPCError } from '@orpc/server';
import { RPCHandler } from '@orpc/server/websocket';
import { ClaqError } from '../../../shared/errors.ts';
import { addressWithToken } from '../../../shared/session.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { answerRequest } from './answer-request.ts';
import { openWindows } from './open-windows.ts';
import { bracketed, hostOf, ownHosts } from './own-hosts.ts';
import { readRenderer } from './renderer-files.ts';
import { HEADERS_TIMEOUT, REQUEST_TIMEOUT, SERVER_LIMITS, type ServerLimits } from './server-limits.ts';
import { createSessions } from './sessions.ts';
import type { ImplementedRouter } from './window-line.ts';

export interface ServerOptions {
  /** The contract, implemented. */
  readonly router: ImplementedRouter;
  /** Folder of the built page. */
  readonly rendererFolder: string;
  /** 0 for a free one. */
  readonly port: number;
  /** The loopback, 127.0.0.1, where it is not given. */
  readonly hostname?: string | undefined;
  /** Hosts by which browsers may reach it beside those of the loopback: `gpu-box:9000`. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** 256 random bits where it is not given. */
  readonly token?: string | undefined;
  /** Told what a call threw that is no error of the contract: a fault of the program, of which the client hears no details. */
  readonly onFault?: ((error: unknown) => void) | undefined;
  readonly limits?: ServerLimits | undefined;
}

export interface RunningServer {
  /** Opens the page and lets it in, as often as it is opened. */
  readonly url: string;
  /** `http://127.0.0.1:8725` */
  readonly origin: string;
  readonly port: number;
  readonly token: string;
  /** An address like `url` that is good once, and for two minutes: for a command line, which others can read. */
  ticketUrl(): string;
  /** Ends all connections and calls, in some seconds at most. A second call waits for the first. */
  close(): Promise<void>;
}

/** @throws ClaqError serve/window-not-built, serve/address-unavailable */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { router, hostname = '127.0.0.1', allowedHosts = [], onFault, limits = SERVER_LIMITS } = options;
  const files = await readRenderer(options.rendererFolder);
  const http = createServer({ headersTimeout: HEADERS_TIMEOUT, requestTimeout: REQUEST_TIMEOUT });
  http.maxConnections = limits.connections;
  const port = await listen(http, options.port, hostname);
  const origin = `http://${hostOf(bracketed(hostname), port)}`;
  const hosts = ownHosts(hostname, port, allowedHosts);
  const sessions = createSessions(port, options.token);
  const closing = new AbortController();
  const answering = { hosts, sessions, files, wrongToken: limits.wrongToken, closing: closing.signal };
  http.on('request', (request, response) => {
    // What fails here is the connection: nobody is left to answer to.
    answerRequest(request, response, answering).catch(() => response.destroy());
  });
  const handler = new RPCHandler(router, {
    interceptors: [onError((error) => (error instanceof ORPCError ? undefined : onFault?.(error)))],
  });
  const windows = openWindows(http, handler, hosts, sessions, limits);

  async function close(): Promise<void> {
    closing.abort();
    const closed = once(http, 'close');
    http.close();
    await windows.close();
    http.closeAllConnections();
    await closed;
  }
  let closed: Promise<void> | undefined;
  return {
    url: addressWithToken(origin, sessions.token),
    origin,
    port,
    token: sessions.token,
    ticketUrl: () => addressWithToken(origin, sessions.ticket()),
    close: () => (closed ??= close()),
  };
}

/** Returns the port. */
async function listen(server: Server, port: number, hostname: string): Promise<number> {
  try {
    server.listen(port, hostname);
    await once(server, 'listening');
  } catch (error) {
    throw new ClaqError('serve/address-unavailable', 'The server cannot listen at this address', {
      where: hostOf(bracketed(hostname), port),
      found: systemErrorCode(error) === 'EADDRINUSE' ? 'another program listens there' : String(error),
      remedy: 'name another port with --port',
      cause: error,
    });
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The server has no port');
  return address.port;
}
