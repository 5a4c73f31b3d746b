import { expect, it } from 'vitest';
import { ShellEvents } from '../../main/shell/shell-events.ts';

it('tells the state of the service first, then everything, until it is called off', async () => {
  const events = new ShellEvents();
  const off = new AbortController();
  const watched = events.watch(() => ({ state: 'starting' }), off.signal);
  expect(await watched.next()).toEqual({
    done: false,
    value: { kind: 'service', service: { state: 'starting' } },
  });
  events.tell({ kind: 'menu', command: 'find' });
  events.tell({ kind: 'navigate', route: '/runs/1' });
  expect(await watched.next()).toEqual({ done: false, value: { kind: 'menu', command: 'find' } });
  expect(await watched.next()).toEqual({ done: false, value: { kind: 'navigate', route: '/runs/1' } });
  const last = watched.next();
  off.abort();
  expect(await last).toEqual({ done: true, value: undefined });
});

it('loses nothing between the state and what follows it', async () => {
  const events = new ShellEvents();
  const watched = events.watch(() => {
    events.tell({ kind: 'service', service: { state: 'running', restarted: false } });
    return { state: 'starting' };
  }, new AbortController().signal);
  await watched.next();
  expect((await watched.next()).value).toEqual({
    kind: 'service',
    service: { state: 'running', restarted: false },
  });
  await watched.return(undefined);
});
