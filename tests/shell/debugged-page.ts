import { once } from 'node:events';
import { z } from 'zod';

const pagesSchema = z.array(z.looseObject({ type: z.string(), webSocketDebuggerUrl: z.string() }));
const answerSchema = z.looseObject({
  id: z.int(),
  result: z.looseObject({
    result: z.looseObject({ value: z.unknown().optional() }),
    exceptionDetails: z.looseObject({ text: z.string() }).optional(),
  }),
});

/** A page of a Chromium with a debugging port, over its own protocol: for an app that takes no orders in any other way. */
export class DebuggedPage {
  readonly #socket: WebSocket;
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** The first page of the browser whose debugger listens at this address (`ws://127.0.0.1:9333/devtools/...`). */
  static async firstOf(debuggerAddress: string): Promise<DebuggedPage> {
    for (;;) {
      const list = await fetch(`http://${new URL(debuggerAddress).host}/json/list`);
      const page = pagesSchema.parse(await list.json()).find(({ type }) => type === 'page');
      if (page === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      const socket = new WebSocket(page.webSocketDebuggerUrl);
      await once(socket, 'open');
      return new DebuggedPage(socket);
    }
  }

  /** Value of an expression in the page, as JSON has it; of a promise what it comes to. Throws where it throws. */
  async evaluate(expression: string): Promise<unknown> {
    const id = ++this.#calls;
    const answer = Promise.withResolvers<unknown>();
    const hear = ({ data }: MessageEvent): void => {
      const { success, data: message } = answerSchema.safeParse(JSON.parse(String(data)));
      if (!success || message.id !== id) return;
      this.#socket.removeEventListener('message', hear);
      const { result, exceptionDetails } = message.result;
      if (exceptionDetails === undefined) answer.resolve(result.value);
      else answer.reject(new Error(exceptionDetails.text));
    };
    this.#socket.addEventListener('message', hear);
    const params = { expression, awaitPromise: true, returnByValue: true };
    this.#socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params }));
    return await answer.promise;
  }

  close(): void {
    this.#socket.close();
  }
}
