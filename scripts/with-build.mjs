// node scripts/with-setup.mjs scripts/with-build.mjs PART... -- PROGRAM ARGUMENTS...
//
// Builds parts of the app where their sources have changed (scripts/build.mjs), then runs PROGRAM, a source file, in this process.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectEnvironment, resolveProgram, ROOT, say } from './project.mjs';

const words = process.argv.slice(2);
const end = words.indexOf('--');
const [program, ...args] = end < 0 ? [] : words.slice(end + 1);
if (program === undefined) {
  say('Usage: node scripts/with-build.mjs PART... -- PROGRAM ARGUMENTS...');
  process.exit(2);
}
// The program's own output is all that stands on stdout.
const build = spawnSync(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), ...words.slice(0, end)], {
  cwd: ROOT,
  env: projectEnvironment(),
  stdio: ['ignore', 2, 2],
});
if (build.status !== 0) process.exit(build.status ?? 1);
const path = resolveProgram(program);
process.argv = [process.execPath, path, ...args];
await import(pathToFileURL(path).href);
