/** Electron's main process. */
import { startShell } from './start-shell.ts';

startShell();
