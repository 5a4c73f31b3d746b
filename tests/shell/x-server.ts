import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';

export interface XServer {
  /** `:99` */
  readonly display: string;
  stop(): Promise<void>;
}

/** A screen that nobody looks at, on a display that is free. */
export async function startXServer(): Promise<XServer> {
  // It writes the number of its display to descriptor 3 once it is up.
  const args = ['-displayfd', '3', '-screen', '0', '1600x1000x24', '-nolisten', 'tcp'];
  const server: ChildProcess = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const [, , , pipe] = server.stdio;
  if (!(pipe instanceof Readable)) throw new Error('Xvfb has no descriptor 3');
  const number = String((await once(pipe.setEncoding('utf8'), 'data'))[0]).trim();
  return {
    display: `:${number}`,
    async stop() {
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
}
