/**
 * How a browser becomes known to `claq serve`.
 *
 * 1. `claq serve` prints `http://127.0.0.1:8725/#TOKEN`. Whoever knows the token may do what the program can do. Browsers keep
 *    a fragment to themselves, so it stands in no request line and no log.
 * 2. The page, which holds no secrets and is served to everybody, takes the token from `location.hash` (`tokenOfHash`), sends
 *    it to SESSION_PATH as JSON (`SessionRequest`) by POST, and takes it out of the address bar. The answer is 204 with an
 *    HttpOnly cookie for RPC_PATH, or 401 where the token is another.
 * 3. The page opens a WebSocket at RPC_PATH; the browser sends the cookie along. After a reload there is the cookie and no token.
 * 4. Scripts are not told why a WebSocket did not open. A GET of RPC_PATH tells: 426 (upgrade required) where the cookie is
 *    good, 401 where the page has to be opened by a printed address again.
 *
 * Requests of other pages are refused: 421 where the Host is not one of the server's, 403 where the Origin is another.
 */
import { z } from 'zod';

/** Where a token is changed for the cookie. */
export const SESSION_PATH = '/session';
/** Where the contract is spoken, over a WebSocket. */
export const RPC_PATH = '/rpc';

/** A token of the server has 43 characters (256 bits); one that was set by hand may be longer. */
const MAX_TOKEN_LENGTH = 512;

/** What is posted to SESSION_PATH, as `application/json`. */
export const sessionRequestSchema = z.strictObject({ token: z.string().min(1).max(MAX_TOKEN_LENGTH) });
export type SessionRequest = z.infer<typeof sessionRequestSchema>;

/** The token in `location.hash`; undefined where there is none, as after a reload. */
export function tokenOfHash(hash: string): string | undefined {
  try {
    const token = decodeURIComponent(hash.replace(/^#/, ''));
    return token === '' ? undefined : token;
  } catch {
    return undefined;
  }
}

/** The address that opens the page and lets it in. */
export function addressWithToken(origin: string, token: string): string {
  return `${origin}/#${encodeURIComponent(token)}`;
}
