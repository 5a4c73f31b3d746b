/**
 * The lines of the desktop app: message ports that the preload hands over, the service's and the shell's
 * (shared/window-messages.ts). They come once more when the service was started anew.
 */
import { RPCLink } from '@orpc/client/message-port';
import { PORTS_MESSAGE } from '../../shared/window-messages.ts';
import type { Line } from './connection.ts';

interface DesktopPorts {
  readonly service: MessagePort;
  readonly shell: MessagePort;
}

let latest: DesktopPorts | undefined;
const waiting = new Set<(ports: DesktopPorts) => void>();

/** Listens from now on; must be called before the preload may send. */
export function listenForPorts(): void {
  addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.source !== window || !isPortsMessage(event.data)) return;
    const [service, shell] = event.ports;
    if (service === undefined || shell === undefined) return;
    latest = { service, shell };
    for (const take of waiting) take(latest);
    waiting.clear();
  });
}

function isPortsMessage(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'kind' in data && data.kind === PORTS_MESSAGE;
}

function nextPorts(): Promise<DesktopPorts> {
  return new Promise((resolve) => waiting.add(resolve));
}

/** Opens lines one after the other, each over ports of its own: a port that was closed is not taken again. */
export function desktopLines(name: keyof DesktopPorts): () => Promise<Line> {
  let used: DesktopPorts | undefined;
  return async () => {
    const ports = latest === undefined || latest === used ? await nextPorts() : latest;
    used = ports;
    const port = ports[name];
    const closed = new Promise<void>((resolve) => port.addEventListener('close', () => resolve()));
    const replaced = nextPorts().then(() => undefined);
    const link = new RPCLink({ port });
    port.start();
    return { link, broken: Promise.race([closed, replaced]) };
  };
}
