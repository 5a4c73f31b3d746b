/** Hands message ports to the page: one to the service, one to the shell. */
import { RPCHandler } from '@orpc/server/message-port';
import {
  ipcMain,
  MessageChannelMain,
  type IpcMainEvent,
  type MessagePortMain,
  type WebContents,
} from 'electron';
import { APP_ADDRESS } from '../../shared/window-messages.ts';
import { PORTS_CHANNEL, PORTS_WANTED_CHANNEL } from '../../preload/channels.ts';
import { isWithin } from './outside-links.ts';
import type { CallContext, ShellRouter } from './shell-router.ts';

export interface PortParts {
  readonly router: ShellRouter;
  /** Connects a port's other end to the service; false where there is none now. */
  readonly connect: (port: MessagePortMain) => boolean;
  readonly onFault: (error: unknown) => void;
}

export class Ports {
  readonly #parts: PortParts;
  readonly #handler: RPCHandler<CallContext>;
  /** Pages that have asked, and what says that the ports of each were replaced by others. */
  readonly #given = new Map<WebContents, AbortController>();

  constructor(parts: PortParts) {
    this.#parts = parts;
    this.#handler = new RPCHandler(parts.router);
    ipcMain.on(PORTS_WANTED_CHANNEL, (event) => {
      if (isFromPage(event)) this.#give(event.sender);
      else parts.onFault(new Error('ports were asked for by something that is not the page'));
    });
  }

  /** The service is another process: whoever has a port to the last one gets a new one. */
  giveAgain(): void {
    for (const page of this.#given.keys()) this.#give(page);
  }

  #give(page: WebContents): void {
    if (!this.#given.has(page)) this.#forgetWhenGone(page);
    const service = new MessageChannelMain();
    const shell = new MessageChannelMain();
    // The last port stays open: a call may be on its way, or a dialog be open.
    this.#given.get(page)?.abort();
    const replaced = new AbortController();
    this.#given.set(page, replaced);
    this.#handler.upgrade(shell.port1, { context: { replaced: replaced.signal } });
    shell.port1.start();
    // A port that leads nowhere is closed, so that the page sees that there is no service now.
    if (!this.#parts.connect(service.port1)) service.port1.close();
    page.postMessage(PORTS_CHANNEL, null, [service.port2, shell.port2]);
  }

  /** A page whose process died asks once more when it is loaded again. */
  #forgetWhenGone(page: WebContents): void {
    const forget = (): void => {
      page.off('destroyed', forget);
      page.off('render-process-gone', forget);
      this.#given.get(page)?.abort();
      this.#given.delete(page);
    };
    page.on('destroyed', forget);
    page.on('render-process-gone', forget);
  }
}

/** Whether it was sent by the app's own page, and not by a frame in it or something else that was loaded. */
function isFromPage({ senderFrame }: IpcMainEvent): boolean {
  return senderFrame !== null && senderFrame.parent === null && isWithin(senderFrame.url, APP_ADDRESS);
}
