/** Who may speak to the service: whoever has the token gets a cookie, and whoever has the cookie may open a WebSocket. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { RPC_PATH } from '../../../shared/session.ts';

const SECRET_BITS = 256;

/** Milliseconds in which a browser that was just started opens its page. */
const TICKET_LIFETIME = 120_000;

export interface Sessions {
  /** Good for as long as the server runs. */
  readonly token: string;
  /**
   * A token that is good once, and for two minutes. For the command line of a browser, which other users of the machine
   * can read.
   */
  ticket(): string;
  /** Whether it is the token, or a ticket, which is used up by this. */
  accept(secret: string): boolean;
  /** Value of a `Set-Cookie` header. */
  readonly setCookie: string;
  /** Whether a `Cookie` header holds this server's cookie. */
  knows(cookieHeader: string | undefined): boolean;
}

/**
 * @param port part of the cookie's name: cookies are shared by all ports of a host, so two servers would overwrite each other's
 * @param token 256 random bits where it is not given
 */
export function createSessions(port: number, token = randomSecret()): Sessions {
  const cookieName = `claq-session-${port}`;
  const cookie = randomSecret();
  const tickets = new Map<string, NodeJS.Timeout>();
  const useUp = (ticket: string): void => {
    clearTimeout(tickets.get(ticket));
    tickets.delete(ticket);
  };
  return {
    token,
    ticket() {
      const ticket = randomSecret();
      tickets.set(ticket, setTimeout(() => useUp(ticket), TICKET_LIFETIME).unref());
      return ticket;
    },
    accept(secret) {
      if (isSame(secret, token)) return true;
      const ticket = [...tickets.keys()].find((each) => isSame(secret, each));
      if (ticket === undefined) return false;
      useUp(ticket);
      return true;
    },
    setCookie: `${cookieName}=${cookie}; Path=${RPC_PATH}; HttpOnly; SameSite=Strict`,
    knows: (cookieHeader = '') =>
      cookieHeader
        .split(';')
        .map((pair) => pair.trim())
        .filter((pair) => pair.startsWith(`${cookieName}=`))
        .some((pair) => isSame(pair.slice(cookieName.length + 1), cookie)),
  };
}

/** base64url, which stands in addresses and cookies as it is. */
function randomSecret(): string {
  return randomBytes(SECRET_BITS / 8).toString('base64url');
}

/** Takes the same time wherever two secrets differ, and however long they are. */
function isSame(first: string, second: string): boolean {
  return timingSafeEqual(digest(first), digest(second));
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
