/** The service as the desktop app has it: a process whose parent opens it, hands it ports to be called through, and closes it. */
import { onError } from '@orpc/server';
import { RPCHandler } from '@orpc/server/message-port';
import { z } from 'zod';
import { ClaqError, plainError } from '../../shared/errors.ts';
import type { Studio, StudioOptions } from './studio/studio.ts';
import { type FromService, toServiceSchema } from './utility-process-protocol.ts';

/** Electron's MessagePortMain, as far as it is used. */
export interface ServicePort {
  on(event: string, listener: (event?: { data: unknown }) => void): void;
  postMessage(message: unknown): void;
  start(): void;
}

/** Electron's process.parentPort, as far as it is used. */
export interface ParentPort {
  on(event: 'message', listener: (event: { data: unknown; ports: readonly ServicePort[] }) => void): void;
  postMessage(message: FromService): void;
}

const parentPortSchema = z.custom<ParentPort>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'on' in value &&
    typeof value.on === 'function' &&
    'postMessage' in value &&
    typeof value.postMessage === 'function',
  'the process has no parentPort: it is to be started by the desktop app',
);

/** The port to the process that started this one. Throws where there is none. */
export function parentPortOf(host: object): ParentPort {
  return parentPortSchema.parse('parentPort' in host ? host.parentPort : undefined);
}

export interface ParentParts {
  readonly openStudio: (options: StudioOptions) => Promise<Studio>;
  /** Ends the process: 0 where it did what it was told. */
  readonly exit: (code: number) => void;
  /** Of faults of the program, which the caller is told nothing of. */
  readonly onFault: (error: unknown) => void;
}

/** Does what the parent says, until it says `close`. */
export function serveParent(parent: ParentPort, { openStudio, exit, onFault }: ParentParts): void {
  let token: string | undefined;
  let opened: Promise<{ studio: Studio; accept: (port: ServicePort) => void }> | undefined;

  const open = async (dataFolder: string): ReturnType<() => NonNullable<typeof opened>> => {
    const studio = await openStudio({ dataFolder, host: 'desktop', hubToken: () => token });
    const handler = new RPCHandler(studio.router, {
      interceptors: [
        onError((error) => {
          if (!isExpected(error)) onFault(error);
        }),
      ],
    });
    const accept = (port: ServicePort): void => {
      handler.upgrade(port);
      port.start();
    };
    return { studio, accept };
  };

  const refuse = (error: unknown): void => {
    // Any other error is a fault: it ends the process, which the parent starts again.
    if (!(error instanceof ClaqError)) throw error;
    // The parent ends the process: one that exits takes what it has just said along.
    parent.postMessage({ kind: 'refused', error: plainError(error) });
  };

  const close = async (): Promise<void> => {
    const service = await opened?.catch(() => undefined);
    await service?.studio.close();
  };

  parent.on('message', ({ data, ports }) => {
    const message = toServiceSchema.parse(data);
    switch (message.kind) {
      case 'open':
        token = message.hubToken ?? undefined;
        opened = open(message.dataFolder);
        void opened.then(() => parent.postMessage({ kind: 'opened' }), refuse);
        return;
      case 'connect':
        // Calls wait in their port for the library to be open.
        void opened?.then(
          ({ accept }) => ports.forEach(accept),
          () => undefined,
        );
        return;
      case 'hub-token':
        token = message.hubToken ?? undefined;
        return;
      case 'close':
        void close().then(() => exit(0));
        return;
    }
  });
}

/** A ClaqError as the router sends it, or a call that its caller called off. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' ||
      ('code' in error && (error.code === 'CLAQ' || error.code === 'NOT_FOUND')))
  );
}
