/** What the server answers over plain http: the page, and the cookie for a token. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RPC_PATH, SESSION_PATH } from '../../../shared/session.ts';
import { answerFile, fileAt } from './answer-file.ts';
import { answerSession, type SessionAnswering } from './answer-session.ts';
import { type OwnHosts, pathOf } from './own-hosts.ts';
import { answerMethod, answerRefusal, setSecurityHeaders } from './plain-answers.ts';
import { FOREIGN_HOST, FOREIGN_ORIGIN, NO_SESSION, NO_SUCH_FILE, ONLY_BY_WEBSOCKET } from './refusals.ts';
import type { RendererFiles } from './renderer-files.ts';

export interface Answering extends SessionAnswering {
  readonly hosts: OwnHosts;
  readonly files: RendererFiles;
}

/** The Host comes first: nothing at all is told to a foreign one. */
export async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  answering: Answering,
): Promise<void> {
  const { hosts, sessions, files } = answering;
  const host = hosts.hostOf(request);
  setSecurityHeaders(response, host);
  if (host === undefined) {
    answerRefusal(response, FOREIGN_HOST);
    return;
  }
  const path = pathOf(request);
  if (path === SESSION_PATH) {
    if (request.method !== 'POST') answerMethod(response, 'POST');
    else if (!hosts.isOwnOrigin(request, host)) answerRefusal(response, FOREIGN_ORIGIN);
    else await answerSession(request, response, answering);
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    answerMethod(response, 'GET, HEAD');
  } else if (path === RPC_PATH) {
    answerRefusal(response, sessions.knows(request.headers.cookie) ? ONLY_BY_WEBSOCKET : NO_SESSION);
  } else {
    const file = fileAt(files, path);
    if (file === undefined) answerRefusal(response, NO_SUCH_FILE);
    else await answerFile(file, request, response);
  }
}
