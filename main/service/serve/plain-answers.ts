/** Refusals as answers, and the headers that go with every answer. */
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { contentSecurityPolicy } from '../../../shared/content-security-policy.ts';
import type { Refusal } from './refusals.ts';

/** Powers of a browser that the page has no use for. */
const NO_PERMISSIONS = ['camera', 'geolocation', 'microphone', 'payment', 'serial', 'usb']
  .map((name) => `${name}=()`)
  .join(', ');

/** @param host where the page is shown; undefined where the request is refused for it */
export function setSecurityHeaders(response: ServerResponse, host: string | undefined): void {
  response.setHeaders(
    new Map([
      ['Content-Security-Policy', contentSecurityPolicy(host === undefined ? [] : [`ws://${host}`])],
      ['X-Content-Type-Options', 'nosniff'],
      // Not `no-referrer`: with it a browser says `Origin: null` when the page posts to its own server.
      ['Referrer-Policy', 'same-origin'],
      ['Cross-Origin-Opener-Policy', 'same-origin'],
      ['Cross-Origin-Resource-Policy', 'same-origin'],
      ['Permissions-Policy', NO_PERMISSIONS],
    ]),
  );
}

export function answerRefusal(response: ServerResponse, { status, sentence }: Refusal): void {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(status).end(`${sentence}\n`);
}

/** @param allowed `GET, HEAD` */
export function answerMethod(response: ServerResponse, allowed: string): void {
  response.setHeader('Allow', allowed);
  answerRefusal(response, { status: 405, sentence: `This address takes ${allowed}.` });
}

/** Answers a request for a WebSocket that gets none, and ends its connection. */
export function refuseUpgrade(socket: Duplex, { status, sentence }: Refusal): void {
  const body = `${sentence}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
