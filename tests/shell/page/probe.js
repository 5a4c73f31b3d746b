/** A page that takes the ports which the preload script hands over, as the renderer does, and lets a test call through them. */
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import { DROPPED_MESSAGE, PORTS_MESSAGE } from '../../../shared/window-messages.ts';

const clients = [];
const events = [];
const dropped = [];
let handedOver = () => undefined;

window.addEventListener('message', ({ source, data, ports }) => {
  if (source !== window) return;
  if (data.kind === DROPPED_MESSAGE) dropped.push(...data.paths);
  if (data.kind !== PORTS_MESSAGE) return;
  const [service, shell] = ports.map((port) => {
    const client = createORPCClient(new RPCLink({ port }));
    port.start();
    return client;
  });
  clients.push({ service, shell });
  handedOver();
  void follow(shell);
});

async function follow(shell) {
  for await (const event of await shell.events()) events.push(event);
}

/** What a test reaches by its name: `call('service', 'program.info')`. */
window.probe = {
  dropped,
  events,
  /** Resolves once ports have come so many times. */
  async portsHandedOver(times) {
    while (clients.length < times) await new Promise((resolve) => (handedOver = resolve));
  },
  /** What goes on now. */
  async activities() {
    for await (const activities of await clients.at(-1).service.activities.watch()) return activities;
  },
  call: (name, path, input) =>
    path.split('.').reduce((client, part) => client[part], clients.at(-1)[name])(input),
};
