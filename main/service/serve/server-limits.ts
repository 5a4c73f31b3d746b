/** What one client may take of the server before it is cut off. The others never notice. */
export interface ServerLimits {
  /** Bytes of one message of a window. */
  readonly messageBytes: number;
  /** Windows (WebSockets) at a time. */
  readonly windows: number;
  /** TCP connections at a time, of windows and for files. */
  readonly connections: number;
  /** Calls of one window that have not been answered yet; what it watches counts until it ends. */
  readonly callsAtOnce: number;
  /** Bytes of answers that may wait for one window to read them. */
  readonly waitingBytes: number;
  /** Milliseconds between two pings. A window that was not heard of from one to the next is gone. */
  readonly heartbeat: number;
  /** Milliseconds that a wrong token waits for its answer. */
  readonly wrongToken: number;
  /** Milliseconds for a window that is shown out to take its leave, and for its calls to end. */
  readonly leave: number;
}

export const SERVER_LIMITS: ServerLimits = {
  // Requests are paths, numbers and choices: some kilobytes.
  messageBytes: 1024 * 1024,
  // One user with a window a task, on a few devices.
  windows: 32,
  // A browser opens six for files, and one for the WebSocket, a window.
  connections: 256,
  // A screen makes some ten.
  callsAtOnce: 256,
  // The longest answers, lists of thousands of runs, have a few megabytes.
  waitingBytes: 16 * 1024 * 1024,
  // Proxies and tunnels drop what is silent for a minute.
  heartbeat: 25_000,
  // Nobody guesses 256 bits; it keeps a broken client from asking without end.
  wrongToken: 300,
  leave: 1000,
};

/** Milliseconds for a request's headers, and for all of it: a page's requests are small, and come at once. */
export const HEADERS_TIMEOUT = 10_000;
export const REQUEST_TIMEOUT = 30_000;
