import { listenForPorts } from './desktop-line.ts';
import { connection, isDesktop } from './service.ts';
import { shellConnection } from './shell.ts';

/** Opens the lines to the service and, in the desktop app, to the shell. Called once, when the program starts. */
export function connect(): void {
  if (isDesktop) listenForPorts();
  void connection.keep();
  void shellConnection?.keep();
  // A laptop that wakes up should not wait for the next attempt.
  addEventListener('online', () => connection.retry());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) connection.retry();
  });
}
