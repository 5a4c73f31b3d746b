import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { projectEnvironment, projectNode } from './project.mjs';

/** A terminal sends Ctrl-C and its own closing to every process in it; passed on, they would arrive twice. */
const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
const PASSED_ON = onTerminal ? ['SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];
const LEFT_TO_THE_CHILD = onTerminal ? ['SIGINT', 'SIGHUP'] : [];

/**
 * Runs a program on the project's Node with this process' input and output, and returns its exit code; 128 and the
 * signal's number where a signal ended it, as shells have it. Signals end the program, and through it this process.
 */
export function runOnProjectNode(args) {
  const child = spawn(projectNode(), args, { stdio: 'inherit', env: projectEnvironment() });
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal));
  for (const signal of LEFT_TO_THE_CHILD) process.on(signal, () => undefined);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
