import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ToService } from '../../main/service/utility-process-protocol.ts';
import { RestartPolicy } from '../../main/shell/restart-policy.ts';
import { type ServiceChild, ServiceProcess } from '../../main/shell/service-process.ts';
import type { ServiceState } from '../../shared/shell-contract.ts';

/** A process that does what the test says. Ports are words. */
class FakeChild extends EventEmitter implements ServiceChild<string> {
  readonly told: (ToService | string)[] = [];
  killed = false;

  postMessage(message: ToService, ports: string[] = []): void {
    this.told.push(message, ...ports);
  }

  kill(): boolean {
    this.killed = true;
    return this.emit('exit', 137);
  }
}

let children: FakeChild[];
let states: ServiceState[];
let gone: number;
let token: string | undefined;

function service(times: number): ServiceProcess<string> {
  return new ServiceProcess<string>({
    fork() {
      const child = new FakeChild();
      children.push(child);
      return child;
    },
    dataFolder: '/data',
    hubToken: () => token,
    policy: new RestartPolicy({ times, windowMilliseconds: 60_000, delayMilliseconds: 1 }),
    onState: (state) => states.push(state),
    onProcess: () => undefined,
    onGone: () => gone++,
  });
}

beforeEach(() => {
  children = [];
  states = [];
  gone = 0;
  token = undefined;
});

/** After the wait of the policy. */
const soon = (): Promise<void> => delay(20);

const IN_USE = { code: 'library/in-use', message: 'CLAQ Studio is open already' } as const;

describe('ServiceProcess', () => {
  it('opens the library, and passes ports and tokens on', () => {
    token = 'hf_a';
    const process = service(1);
    process.start();
    expect(process.connect('port 1')).toBe(true);
    token = undefined;
    process.passHubToken();
    expect(children[0]?.told).toEqual([
      { kind: 'open', dataFolder: '/data', hubToken: 'hf_a' },
      { kind: 'connect' },
      'port 1',
      { kind: 'hub-token', hubToken: null },
    ]);
    children[0]?.emit('message', { kind: 'opened' });
    expect(states).toEqual([{ state: 'starting' }, { state: 'running', restarted: false }]);
  });

  it('starts one that died again, and gives up where that happens too often', async () => {
    const process = service(1);
    process.start();
    children[0]?.emit('message', { kind: 'opened' });
    children[0]?.emit('exit', 11);
    expect(process.connect('port')).toBe(false);
    expect(process.state).toEqual({
      state: 'crashed',
      message: 'The service stopped (its process ended with code 11) and is started again.',
    });
    await soon();
    children[1]?.emit('message', { kind: 'opened' });
    expect(process.state).toEqual({ state: 'running', restarted: true });
    children[1]?.emit('exit', 11);
    await soon();
    expect(children).toHaveLength(2);
    expect(gone).toBe(2);
    expect(process.state).toMatchObject({
      state: 'failed',
      error: { code: 'service/died', found: 'its process ended with code 11' },
    });
    // Until somebody asks.
    process.restart();
    expect(children).toHaveLength(3);
    expect(process.state).toEqual({ state: 'starting' });
  });

  it('does not start one again that says why it cannot open the library', async () => {
    const process = service(3);
    process.start();
    children[0]?.emit('message', { kind: 'refused', error: IN_USE });
    await soon();
    expect(children).toHaveLength(1);
    expect(children[0]?.killed).toBe(true);
    expect(process.state).toEqual({ state: 'failed', error: IN_USE });
  });

  it('is not confused by the late end of one that was refused', () => {
    const process = service(3);
    process.start();
    const [first] = children;
    if (first !== undefined) first.kill = () => true;
    first?.emit('message', { kind: 'refused', error: IN_USE });
    process.restart();
    children[1]?.emit('message', { kind: 'opened' });
    first?.emit('exit', 0);
    expect(process.state).toEqual({ state: 'running', restarted: true });
    expect(process.connect('port')).toBe(true);
  });

  it('ends when it has closed its library, and is not started again', async () => {
    const process = service(3);
    process.start();
    const stopped = process.stop();
    expect(children[0]?.told.at(-1)).toEqual({ kind: 'close' });
    children[0]?.emit('exit', 0);
    await stopped;
    await soon();
    expect(children).toHaveLength(1);
    expect(states).toEqual([{ state: 'starting' }]);
  });

  it('ends at once where there is none, and starts none afterwards', async () => {
    const process = service(3);
    process.start();
    children[0]?.emit('exit', 1);
    await process.stop();
    await soon();
    expect(children).toHaveLength(1);
  });

  it('does not take orders that it does not know for something else', () => {
    const process = service(3);
    process.start();
    expect(() => children[0]?.emit('message', { kind: 'open-sesame' })).toThrow('Invalid');
  });
});
