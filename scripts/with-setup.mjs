// node scripts/with-setup.mjs PROGRAM ARGUMENTS...
//
// Sets the project up where that is needed, then runs PROGRAM (a source file of the project, or a program of one of its
// packages) on the project's own Node 24. Plain JavaScript for Node 18 and later, without any package: it is what
// `npm test` starts on a fresh clone.
import { resolveProgram, say } from './project.mjs';
import { runOnProjectNode } from './run-on-project-node.mjs';
import { setUp, SetUpError } from './set-up.mjs';

const [program, ...args] = process.argv.slice(2);
if (program === undefined) {
  say('Usage: node scripts/with-setup.mjs PROGRAM [ARGUMENTS...]');
  process.exit(2);
}
try {
  await setUp();
  process.exitCode = await runOnProjectNode([resolveProgram(program), ...args]);
} catch (error) {
  if (!(error instanceof SetUpError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
