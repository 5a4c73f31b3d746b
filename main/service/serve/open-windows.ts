/** Lets windows in, by WebSocket, and out again when the server closes. */
import type { IncomingMessage, Server } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { RPC_PATH } from '../../../shared/session.ts';
import { keepHeartbeat } from './heartbeat.ts';
import { type OwnHosts, pathOf } from './own-hosts.ts';
import { refuseUpgrade } from './plain-answers.ts';
import {
  CLOSING,
  FOREIGN_HOST,
  FOREIGN_ORIGIN,
  NO_SESSION,
  NO_WEBSOCKET_HERE,
  type Refusal,
  TOO_MANY_WINDOWS,
} from './refusals.ts';
import type { ServerLimits } from './server-limits.ts';
import type { Sessions } from './sessions.ts';
import { answerWindow, type CallHandler } from './window-line.ts';

/** Close code of RFC 6455, 7.4.1. */
const GOING_AWAY = 1001;

export interface Windows {
  /** Ends all windows and waits for their calls, at most twice `limits.leave`. */
  close(): Promise<void>;
}

export function openWindows(
  http: Server,
  handler: CallHandler,
  hosts: OwnHosts,
  sessions: Sessions,
  limits: ServerLimits,
): Windows {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: limits.messageBytes,
    // Compression costs memory for each window, and the loopback has bandwidth to spare.
    perMessageDeflate: false,
  });
  const windows = new Set<Promise<void>>();
  server.on('connection', (socket) => {
    const window = answerWindow(socket, handler, limits).finally(() => windows.delete(window));
    windows.add(window);
  });
  const endHeartbeat = keepHeartbeat(server, limits.heartbeat);
  let isClosing = false;
  http.on('upgrade', (request, socket, head) => {
    // A connection that breaks needs no answer.
    socket.on('error', () => undefined);
    const isFull = server.clients.size >= limits.windows;
    const refusal = isClosing ? CLOSING : refusalOf(request, hosts, sessions, isFull);
    if (refusal !== undefined) refuseUpgrade(socket, refusal);
    else server.handleUpgrade(request, socket, head, (window) => server.emit('connection', window, request));
  });
  return {
    async close() {
      isClosing = true;
      endHeartbeat();
      for (const socket of server.clients) socket.close(GOING_AWAY, 'the server ends');
      await settledOr(limits.leave, windows);
      for (const socket of server.clients) socket.terminate();
      await settledOr(limits.leave, windows);
    },
  };
}

/** Why a request for a WebSocket gets none; in the order in which a stranger may learn it. */
function refusalOf(
  request: IncomingMessage,
  hosts: OwnHosts,
  sessions: Sessions,
  isFull: boolean,
): Refusal | undefined {
  const host = hosts.hostOf(request);
  if (host === undefined) return FOREIGN_HOST;
  if (pathOf(request) !== RPC_PATH) return NO_WEBSOCKET_HERE;
  if (!hosts.isOwnOrigin(request, host)) return FOREIGN_ORIGIN;
  if (!sessions.knows(request.headers.cookie)) return NO_SESSION;
  return isFull ? TOO_MANY_WINDOWS : undefined;
}

/** Waits for all of them, or so long. */
async function settledOr(milliseconds: number, promises: Iterable<Promise<void>>): Promise<void> {
  const timeout = new AbortController();
  const wait = setTimeout(milliseconds, undefined, { signal: timeout.signal }).catch(() => undefined);
  await Promise.race([Promise.allSettled(promises), wait]);
  timeout.abort();
}
