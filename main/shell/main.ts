/** Electron's main process: the app, or one of the programs that it runs in processes of their own. */
import { askedProgram } from '../../shared/own-programs.ts';
import { runOwnProgram } from './run-own-program.ts';
import { startShell } from './start-shell.ts';

const program = askedProgram(process.argv);
if (program === undefined) startShell();
else void runOwnProgram(program);
