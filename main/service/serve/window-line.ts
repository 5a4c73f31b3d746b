/** Carries the contract over one window's WebSocket. */
import type { Context } from '@orpc/server';
import type { MinimalWebsocket, RPCHandler } from '@orpc/server/websocket';
import type { WebSocket } from 'ws';
import type { ServerLimits } from './server-limits.ts';

/** Close codes of RFC 6455, 7.4.1. */
const UNSUPPORTED_DATA = 1003;
const INVALID_PAYLOAD = 1007;
const POLICY_VIOLATION = 1008;

/** Calls find all they need in their router: they get nothing of the window that they come from. */
export type CallHandler = RPCHandler<Context>;
/** A contract, implemented: what oRPC takes for one. */
export type ImplementedRouter = ConstructorParameters<typeof RPCHandler<Context>>[0];

/**
 * Answers the calls that come over the socket until it closes; what it watches ends with it. A client that sends what is
 * no call, too many of them, or does not read its answers loses this socket, and nothing else happens.
 *
 * @returns resolves when the socket is closed and the calls behind it have ended
 */
export function answerWindow(
  socket: WebSocket,
  handler: CallHandler,
  limits: Pick<ServerLimits, 'callsAtOnce' | 'waitingBytes' | 'leave'>,
): Promise<void> {
  const line = pacedLine(socket, limits.waitingBytes);
  const calls = new Set<Promise<void>>();
  // Whoever breaks the rules may not take the farewell's time either.
  const cutOff = (): unknown => setTimeout(() => socket.terminate(), limits.leave).unref();
  const dismiss = (code: number, reason: string): void => {
    socket.close(code, reason);
    cutOff();
  };
  // Of frames: ws sends the code that says what was wrong.
  socket.on('error', cutOff);
  socket.on('message', (data, isBinary) => {
    if (socket.readyState !== socket.OPEN) return;
    if (isBinary || !(data instanceof Buffer)) {
      dismiss(UNSUPPORTED_DATA, 'calls are text');
      return;
    }
    if (calls.size >= limits.callsAtOnce) {
      dismiss(POLICY_VIOLATION, 'too many calls at once');
      return;
    }
    const call = handler
      .message(line, data.toString('utf8'), { context: {} })
      // What a call throws is its answer. What arrives here could not be read, or its answer could not be sent.
      .catch(() => dismiss(INVALID_PAYLOAD, 'not a call'))
      .finally(() => calls.delete(call));
    calls.add(call);
  });
  return new Promise((resolve) => {
    socket.on('close', () => {
      handler.close(line);
      void Promise.all(calls).then(() => resolve());
    });
  });
}

/**
 * The socket as oRPC sends on it. It awaits what `send` gives back, so a stream waits until the client has taken its last
 * event; only answers to calls made in one go can pile up.
 */
function pacedLine(socket: WebSocket, waitingBytes: number): MinimalWebsocket {
  const send = (message: string | ArrayBufferLike | NodeJS.ArrayBufferView | Blob): Promise<void> =>
    new Promise((resolve, reject) => {
      if (message instanceof Blob) throw new TypeError('The contract has no files');
      if (socket.bufferedAmount > waitingBytes) {
        socket.terminate();
        throw new Error('The client does not read its answers');
      }
      socket.send(message, (error) => (error instanceof Error ? reject(error) : resolve()));
    });
  const line = { send, addEventListener: () => undefined };
  return line;
}
