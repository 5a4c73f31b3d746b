/** Why the server does not do what a request asks for. */
export interface Refusal {
  readonly status: number;
  /** For a person who meets it in a browser or with curl. */
  readonly sentence: string;
}

export const FOREIGN_HOST: Refusal = {
  status: 421,
  sentence:
    'This server does not answer to that name. Open it by the address that it printed when it started.',
};
export const FOREIGN_ORIGIN: Refusal = { status: 403, sentence: 'Pages of other sites may not do this.' };
export const NO_SESSION: Refusal = {
  status: 401,
  sentence: 'This browser is not known here. Open the page by the address that the server printed.',
};
export const WRONG_TOKEN: Refusal = {
  status: 401,
  sentence: 'This is not the token that the server printed when it started.',
};
export const NO_TOKEN: Refusal = { status: 400, sentence: 'A session is asked for with {"token": "..."}.' };
export const TOO_LONG: Refusal = { status: 413, sentence: 'That is longer than any token.' };
export const NO_SUCH_FILE: Refusal = { status: 404, sentence: 'There is no such file.' };
export const NO_WEBSOCKET_HERE: Refusal = { status: 404, sentence: 'There is no WebSocket here.' };
export const ONLY_BY_WEBSOCKET: Refusal = { status: 426, sentence: 'The service is reached by a WebSocket.' };
export const TOO_MANY_WINDOWS: Refusal = {
  status: 503,
  sentence: 'Too many windows are open. Close one.',
};
export const CLOSING: Refusal = { status: 503, sentence: 'The server ends.' };
