import { EventEmitter, once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { ContractRouterClient } from '@orpc/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  parentPortOf,
  type ParentPort,
  type ServicePort,
  serveParent,
} from '../../main/service/serve-parent.ts';
import { openStudio, type Studio, type StudioOptions } from '../../main/service/studio/studio.ts';
import type { FromService, ToService } from '../../main/service/utility-process-protocol.ts';
import type { contract } from '../../shared/contract.ts';

/** The other side of process.parentPort. */
class Parent extends EventEmitter implements ParentPort {
  readonly heard: FromService[] = [];

  postMessage(message: FromService): void {
    this.heard.push(message);
    this.emit('heard');
  }

  say(data: ToService, ports: readonly ServicePort[] = []): void {
    this.emit('message', { data, ports });
  }

  /** A client of the contract, through a port that is handed over. */
  connect(): ContractRouterClient<typeof contract> {
    const { port1, port2 } = new MessageChannel();
    this.say({ kind: 'connect' }, [port1]);
    return createORPCClient(new RPCLink({ port: port2 }));
  }
}

let dataFolder: string;
let parent: Parent;
let exits: number[];
let options: StudioOptions | undefined;
let studio: Studio | undefined;

beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'claq-parent-'));
  parent = new Parent();
  exits = [];
  serveParent(parent, {
    async openStudio(given) {
      options = given;
      return (studio = await openStudio(given));
    },
    exit(code) {
      exits.push(code);
      parent.emit('exit');
    },
    onFault: () => undefined,
  });
});
afterEach(async () => {
  if (exits.length === 0) await studio?.close();
  studio = undefined;
  await rm(dataFolder, { recursive: true, force: true });
});

describe('serveParent', () => {
  it('opens the library and answers through every port, also one that came before it was open', async () => {
    parent.say({ kind: 'open', dataFolder, hubToken: null });
    const early = parent.connect();
    expect(await early.program.info()).toMatchObject({ host: 'desktop', dataFolder });
    expect(parent.heard).toEqual([{ kind: 'opened' }]);
    const late = parent.connect();
    expect(await late.models.list()).toEqual([]);
    await expect(late.models.addFolder({ folder: join(dataFolder, 'none') })).rejects.toMatchObject({
      code: 'CLAQ',
      data: { code: 'model/not-a-model-folder' },
    });
  });

  it('knows the token that the parent has now', async () => {
    const opened = once(parent, 'heard');
    parent.say({ kind: 'open', dataFolder, hubToken: 'hf_a' });
    await opened;
    expect(options?.hubToken?.()).toBe('hf_a');
    parent.say({ kind: 'hub-token', hubToken: null });
    expect(options?.hubToken?.()).toBeUndefined();
    parent.say({ kind: 'hub-token', hubToken: 'hf_b' });
    expect(options?.hubToken?.()).toBe('hf_b');
  });

  it('closes the library before it exits', async () => {
    parent.say({ kind: 'open', dataFolder, hubToken: null });
    const client = parent.connect();
    await client.models.list();
    const exited = once(parent, 'exit');
    parent.say({ kind: 'close' });
    await exited;
    expect(exits).toEqual([0]);
    // Neither a lock nor a write-ahead log is left behind.
    expect(await readdir(dataFolder)).toEqual(['library.sqlite']);
  });

  it('says why the library cannot be opened, and waits to be ended', async () => {
    await writeFile(
      join(dataFolder, 'library.sqlite'),
      'this is no database, but it is long enough to be one. '.repeat(99),
    );
    const heard = once(parent, 'heard');
    parent.say({ kind: 'open', dataFolder, hubToken: null });
    await heard;
    expect(parent.heard).toMatchObject([{ kind: 'refused', error: { code: 'store/damaged' } }]);
    const exited = once(parent, 'exit');
    parent.say({ kind: 'close' });
    await exited;
    expect(exits).toEqual([0]);
  });

  it('takes nothing else for an order', () => {
    expect(() => parent.emit('message', { data: { kind: 'open' }, ports: [] })).toThrow('Invalid');
  });
});

describe('parentPortOf', () => {
  it('is what the process has', () => {
    expect(parentPortOf({ parentPort: parent })).toBe(parent);
  });

  it.each([{}, { parentPort: null }, { parentPort: {} }, process])(
    'is an error where there is none',
    (host) => {
      expect(() => parentPortOf(host)).toThrow('it is to be started by the desktop app');
    },
  );
});
