/** What goes wrong behind a call that goes on: its errors are told like those of any other call. */
import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import { ORPCError, safe } from '@orpc/server';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { plainErrorSchema } from '../../../shared/errors.ts';
import type { Studio } from '../../../main/service/studio/studio.ts';
import { SmallServer, asBrowserHasIt } from '../serve/small-server.ts';
import { ControlledEngine } from './controlled-engine.ts';
import { type StudioClient, openTestStudio } from './open-test-studio.ts';

let folder: string;
let engine: ControlledEngine;
let studio: Studio;
let direct: StudioClient;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'claq-test-')));
  engine = new ControlledEngine();
  ({ studio, client: direct } = await openTestStudio(folder, { quantize: engine.quantize }));
});
afterEach(async () => {
  await studio.close();
  await rm(folder, { recursive: true });
});

/** Watches a run whose row is spoiled meanwhile, and gives the error that the watching ends with. */
async function watchedDamage(client: StudioClient): Promise<unknown> {
  const { id: modelId } = await direct.models.addDemo();
  const { id } = await direct.runs.start({ modelId, choices: {} });
  const { hooks } = await engine.run(0);
  const events = await client.runs.watch({ id });
  expect((await events.next()).value).toMatchObject({ kind: 'run', run: { state: 'running' } });
  const library = new Database(join(folder, 'library.sqlite'));
  const choices = library.prepare('SELECT choices FROM runs').pluck().get();
  library.prepare("UPDATE runs SET choices = '[]'").run();
  hooks.onEngine?.({ name: 'wasm', description: 'WebAssembly SIMD, 1 thread' });
  const { error } = await safe(events.next());
  library.prepare('UPDATE runs SET choices = ?').run(choices);
  library.close();
  return error;
}

function expectDamage(error: unknown): void {
  if (!(error instanceof ORPCError)) throw new Error(`no error of a call: ${String(error)}`);
  expect([error.code, error.defined, error.message]).toEqual([
    'CLAQ',
    true,
    'An entry of the library is damaged',
  ]);
  expect(plainErrorSchema.parse(error.data)).toMatchObject({ code: 'store/damaged' });
}

it('are told to a caller in the same process', async () => {
  expectDamage(await watchedDamage(direct));
});

it('are told over a WebSocket', async () => {
  const server = await SmallServer.start({}, { router: studio.router });
  try {
    const socket = server.socket();
    await once(socket, 'open');
    const client: StudioClient = createORPCClient(new RPCLink({ websocket: asBrowserHasIt(socket) }));
    expectDamage(await watchedDamage(client));
    expect(server.faults).toEqual([]);
  } finally {
    await server.end();
  }
});
