/** Which hub is spoken to, with which token, and where its answers may lead. */
import { ClaqError } from '../../../shared/errors.ts';

const PUBLIC_HUB = 'https://huggingface.co';
/** Read where the caller names no hub and no token, as all of Hugging Face's programs do. */
export const ENDPOINT_VARIABLE = 'HF_ENDPOINT';
export const TOKEN_VARIABLE = 'HF_TOKEN';

export interface HubAddress {
  /** Without a slash at its end: `https://huggingface.co`. */
  readonly url: string;
  /** The only one that the token is sent to. */
  readonly origin: string;
  readonly token: string | undefined;
}

export interface AskedHub {
  readonly hubUrl?: string | undefined;
  readonly token?: string | undefined;
}

/**
 * The hub that is asked for, or the environment's, or the public one. The environment's token belongs to the environment's
 * hub: one that the caller names gets none but the caller's.
 *
 * @throws ClaqError request/invalid
 */
export function hubAddress({ hubUrl, token }: AskedHub, env: NodeJS.ProcessEnv): HubAddress {
  const where = hubUrl === undefined ? ENDPOINT_VARIABLE : 'hubUrl';
  const text = hubUrl ?? given(env[ENDPOINT_VARIABLE]) ?? PUBLIC_HUB;
  const url = URL.parse(text);
  if (url === null || !isSecure(url) || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new ClaqError('request/invalid', 'The address of the hub cannot be used', {
      where,
      expected: 'https://HOST, or http://localhost for a hub on this machine',
      found: text,
      remedy: 'correct or remove it',
    });
  }
  const ownToken = given(token) ?? (hubUrl === undefined ? given(env[TOKEN_VARIABLE]) : undefined);
  return {
    url: url.href.replace(/\/+$/, ''),
    origin: url.origin,
    token: ownToken === undefined ? undefined : usableToken(ownToken),
  };
}

/** Whether an answer of the hub may lead there: encrypted, or for a hub on this machine to the same host. */
export function mayVisit(hub: HubAddress, url: URL): boolean {
  if (url.protocol === 'https:') return true;
  return isSecure(url) && url.hostname === new URL(hub.origin).hostname;
}

function isSecure({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true;
  return protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** A variable that is set to nothing counts as not set. */
function given(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === '' ? undefined : trimmed;
}

/** The error does not repeat the token: errors are logged and shown. */
function usableToken(token: string): string {
  if (/^[\x21-\x7e]{1,500}$/.test(token)) return token;
  throw new ClaqError('request/invalid', 'The token of the hub cannot be used', {
    expected: 'letters, digits and signs without blanks, as the hub gave it: hf_...',
    found: `${token.length} characters, with some that no token has`,
    remedy: 'copy it again from the settings of your account',
  });
}
