/** The line of a browser: a session for the token of the address (shared/session.ts), then a WebSocket. */
import { RPCLink } from '@orpc/client/websocket';
import { RPC_PATH, SESSION_PATH, tokenOfHash, type SessionRequest } from '../../shared/session.ts';
import { ConnectionRefusedError, type Line } from './connection.ts';

const UNAUTHORIZED = 401;

/** Opens lines; the token is taken out of the address bar at once, before the router sees it. */
export function browserLines(): () => Promise<Line> {
  // After a reload there is the cookie alone.
  const token = tokenOfHash(location.hash);
  if (token !== undefined) history.replaceState(history.state, '', location.pathname + location.search);
  let isKnown = token === undefined;

  return async () => {
    if (!isKnown && token !== undefined) {
      await openSession(token);
      isKnown = true;
    }
    const socket = new WebSocket(new URL(RPC_PATH, location.href.replace(/^http/, 'ws')));
    const broken = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.addEventListener('open', () => resolve(true));
      socket.addEventListener('close', () => resolve(false));
    });
    if (isOpen) return { link: new RPCLink({ websocket: socket }), broken };
    // A WebSocket does not say why it did not open; the same address asked plainly does.
    const { status } = await fetch(RPC_PATH);
    if (status === UNAUTHORIZED) {
      if (token === undefined) throw new ConnectionRefusedError();
      // A service that was started again knows the cookie no more, but perhaps the token.
      isKnown = false;
    }
    throw new Error('The WebSocket did not open');
  };
}

/** Changes the token for the cookie. */
async function openSession(token: string): Promise<void> {
  const request: SessionRequest = { token };
  const answer = await fetch(SESSION_PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (answer.status === UNAUTHORIZED) throw new ConnectionRefusedError();
  if (!answer.ok) throw new Error(`The session was answered with ${answer.status}`);
}
