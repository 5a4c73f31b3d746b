import { app } from 'electron';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { APP_SOURCES } from './built-files.ts';

/** Runs a program of ours in Electron's main process, without an app, and ends with its exit code. */
export async function runOwnProgram({
  file,
  args,
}: {
  readonly file: string;
  readonly args: readonly string[];
}): Promise<void> {
  app.dock?.hide();
  const path = join(APP_SOURCES, `${file}.js`);
  process.argv = [process.execPath, path, ...args];
  try {
    await import(pathToFileURL(path).href);
    app.exit(Number(process.exitCode ?? 0));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    app.exit(1);
  }
}
