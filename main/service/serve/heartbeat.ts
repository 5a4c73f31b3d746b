import type { WebSocket, WebSocketServer } from 'ws';

/**
 * Pings all windows and drops those that answer nothing: a laptop that was closed leaves a connection that never ends.
 *
 * @param interval milliseconds
 * @returns ends it
 */
export function keepHeartbeat(server: WebSocketServer, interval: number): () => void {
  const silent = new WeakSet<WebSocket>();
  server.on('connection', (socket) => {
    const heard = (): boolean => silent.delete(socket);
    socket.on('pong', heard);
    socket.on('message', heard);
  });
  const timer = setInterval(() => {
    for (const socket of server.clients) {
      if (silent.has(socket)) {
        socket.terminate();
        continue;
      }
      silent.add(socket);
      socket.ping();
    }
  }, interval);
  timer.unref();
  return () => clearInterval(timer);
}
