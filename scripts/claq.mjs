#!/usr/bin/env node
// The command `claq`, on whichever Node it was started: the project's own does the work where this one is too old.
import { resolveProgram, runsOnProjectNode, say } from './project.mjs';
import { runOnProjectNode } from './run-on-project-node.mjs';
import { setUp, SetUpError } from './set-up.mjs';

const program = 'main/cli/claq.ts';
try {
  await setUp();
  if (runsOnProjectNode) await import(`../${program}`);
  else process.exitCode = await runOnProjectNode([resolveProgram(program), ...process.argv.slice(2)]);
} catch (error) {
  if (!(error instanceof SetUpError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
