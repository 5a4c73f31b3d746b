/**
 * Which requests come from the server's own page. A page of another site can make a browser send requests to a server on
 * the loopback, in two ways: by its address, where the Origin gives it away, or by a name of its own that was made to point
 * here (DNS rebinding), where the Host does.
 */
import type { IncomingMessage } from 'node:http';

/** The port that is left out of a Host. */
const HTTP_PORT = 80;

export interface OwnHosts {
  /** The request's Host, where it is one of the server's. */
  hostOf(request: IncomingMessage): string | undefined;
  /** Whether a script of the page at this host has sent the request. */
  isOwnOrigin(request: IncomingMessage, host: string): boolean;
}

/**
 * @param hostname where the server listens, beside the loopback's names
 * @param allowedHosts further Hosts as browsers send them: `gpu-box:9000` behind a tunnel, `claq.example.org` behind a proxy,
 *   which may add TLS
 */
export function ownHosts(hostname: string, port: number, allowedHosts: readonly string[]): OwnHosts {
  const loopback = ['127.0.0.1', 'localhost', '[::1]', bracketed(hostname)].map((name) => hostOf(name, port));
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  const hosts = new Set([...loopback, ...allowed]);
  return {
    hostOf(request) {
      const host = onlyHeader(request, 'host')?.toLowerCase();
      return host !== undefined && hosts.has(host) ? host : undefined;
    },
    isOwnOrigin(request, host) {
      const origin = onlyHeader(request, 'origin')?.toLowerCase();
      return origin === `http://${host}` || (allowed.has(host) && origin === `https://${host}`);
    },
  };
}

/** `127.0.0.1:8725` */
export function hostOf(name: string, port: number): string {
  return port === HTTP_PORT ? name : `${name}:${port}`;
}

/** IPv6 addresses stand in brackets before a port. */
export function bracketed(hostname: string): string {
  return hostname.includes(':') ? `[${hostname}]` : hostname.toLowerCase();
}

/** A header that came once; two of a kind would leave open which one counts. */
function onlyHeader(request: IncomingMessage, name: 'host' | 'origin'): string | undefined {
  const [value, ...others] = request.headersDistinct[name] ?? [];
  return others.length === 0 ? value : undefined;
}

/** As it stands in the request; an address with a scheme or backslashes is no path of ours, and stays one that is not found. */
export function pathOf(request: IncomingMessage): string {
  const [path = ''] = (request.url ?? '').split('?');
  return path;
}
