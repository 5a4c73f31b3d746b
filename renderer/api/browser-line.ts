/** The line of a browser: a session for the token in the address (shared/session.ts), then a WebSocket. */
import { RPCLink } from '@orpc/client/websocket';
import { RPC_PATH, SESSION_PATH, tokenOfHash, type SessionRequest } from '../../shared/session.ts';
import { ConnectionRefusedError, type Line } from './connection.ts';

const UNAUTHORIZED = 401;

/** Changes the token for the cookie, and takes it out of the address bar. After a reload there is the cookie alone. */
async function openSession(): Promise<void> {
  const token = tokenOfHash(location.hash);
  if (token === undefined) return;
  const request: SessionRequest = { token };
  const answer = await fetch(SESSION_PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (answer.status === UNAUTHORIZED) throw new ConnectionRefusedError();
  if (!answer.ok) throw new Error(`The session was answered with ${answer.status}`);
  history.replaceState(history.state, '', location.pathname + location.search);
}

/** Throws ConnectionRefusedError where the service does not know this browser. */
export async function openBrowserLine(): Promise<Line> {
  await openSession();
  const socket = new WebSocket(new URL(RPC_PATH, location.href.replace(/^http/, 'ws')));
  const broken = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.addEventListener('open', () => resolve(true));
    socket.addEventListener('close', () => resolve(false));
  });
  if (!isOpen) await explainRefusal();
  return { link: new RPCLink({ websocket: socket }), broken };
}

/** A WebSocket does not say why it did not open; the same address asked plainly does. */
async function explainRefusal(): Promise<never> {
  const { status } = await fetch(RPC_PATH);
  if (status === UNAUTHORIZED) throw new ConnectionRefusedError();
  throw new Error('The WebSocket did not open');
}
