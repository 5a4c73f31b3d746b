/** Changes a token for the cookie. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { sessionRequestSchema } from '../../../shared/session.ts';
import { answerRefusal } from './plain-answers.ts';
import { NO_TOKEN, TOO_LONG, WRONG_TOKEN } from './refusals.ts';
import type { Sessions } from './sessions.ts';

/** A token of the greatest length, as JSON, fits with room to spare. */
const MAX_BODY_BYTES = 4096;

export interface SessionAnswering {
  readonly sessions: Sessions;
  /** Milliseconds that a wrong token waits for its answer. */
  readonly wrongToken: number;
  /** The server closes. */
  readonly closing: AbortSignal;
}

/** A POST whose Host and Origin were found to be good. */
export async function answerSession(
  request: IncomingMessage,
  response: ServerResponse,
  { sessions, wrongToken, closing }: SessionAnswering,
): Promise<void> {
  const body = await bodyOf(request);
  if (body === undefined) {
    response.setHeader('Connection', 'close');
    answerRefusal(response, TOO_LONG);
    return;
  }
  const token = tokenOf(body);
  if (token === undefined) {
    answerRefusal(response, NO_TOKEN);
    return;
  }
  if (!sessions.accept(token)) {
    await setTimeout(wrongToken, undefined, { signal: closing }).catch(() => undefined);
    answerRefusal(response, WRONG_TOKEN);
    return;
  }
  response.setHeader('Set-Cookie', sessions.setCookie);
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(204).end();
}

/** Undefined where it is too long. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  // Leaving the loop must not destroy the connection, which is yet to carry the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (!(chunk instanceof Buffer)) continue;
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tokenOf(body: Buffer): string | undefined {
  try {
    return sessionRequestSchema.safeParse(JSON.parse(body.toString('utf8'))).data?.token;
  } catch {
    return undefined;
  }
}
