/** One log file for the shell and the service, in the system's place for logs. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { app, shell } from 'electron';
import log from 'electron-log/main';
import { claqError, describeError } from '../../shared/errors.ts';
import type { ServiceState } from '../../shared/shell-contract.ts';

/** A full file becomes main.old.log, so that there are never more than two. */
const MAX_BYTES = 5 * 1024 * 1024;
/** What is kept of one line of the service. */
const MAX_LINE = 4000;

const logFile = (): string => join(app.getPath('logs'), 'main.log');

export function startLog(): void {
  log.transports.file.resolvePathFn = logFile;
  log.transports.file.maxSize = MAX_BYTES;
  log.transports.console.level = app.isPackaged ? false : 'info';
  log.scope.labelPadding = false;
  log.errorHandler.startCatching({ showDialog: app.isPackaged });
  log.info(
    `${app.name} ${app.getVersion()}, Electron ${process.versions.electron}, ${process.platform}-${process.arch}`,
  );
}

export function logServiceState(service: ServiceState): void {
  if (service.state === 'crashed') log.error(service.message);
  else if (service.state === 'failed') log.error(describeError(claqError(service.error)).join('\n'));
  else log.info(`service ${service.state}`);
}

/** Of what should not happen. */
export function logFault(fault: unknown): void {
  log.error(fault);
}

/** Copies what a process says, line by line. */
export function logOutput(name: string, output: NodeJS.ReadableStream | null): void {
  if (output === null) return;
  const scope = log.scope(name);
  createInterface({ input: output }).on('line', (line) => scope.info(line.slice(0, MAX_LINE)));
}

/** Shows the log file in the system's file manager. */
export function openLogs(): void {
  shell.showItemInFolder(logFile());
}
