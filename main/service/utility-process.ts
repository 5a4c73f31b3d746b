/** The process of the service in the desktop app. The shell starts it as a utility process, and again when it dies. */
import { inspect } from 'node:util';
import { parentPortOf, serveParent } from './serve-parent.ts';
import { openStudio } from './studio/studio.ts';

serveParent(parentPortOf(process), {
  openStudio,
  exit: (code) => process.exit(code),
  onFault: (error) => process.stderr.write(`${inspect(error)}\n`),
});
