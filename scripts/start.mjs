// node scripts/with-setup.mjs scripts/start.mjs [ARGUMENTS...]
//
// Builds the desktop app where its sources have changed, and starts it. Electron itself is fetched the first time.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { projectEnvironment, ROOT, say } from './project.mjs';
import { runOnProjectNode } from './run-on-project-node.mjs';

const ELECTRON = join(ROOT, 'node_modules', 'electron');

function run(...args) {
  return spawnSync(process.execPath, args, { cwd: ROOT, env: projectEnvironment(), stdio: 'inherit' }).status;
}

if (run(join(ROOT, 'scripts', 'build.mjs')) !== 0) process.exit(1);
if (process.env.ELECTRON_OVERRIDE_DIST_PATH === undefined && run(join(ELECTRON, 'install.js')) !== 0) {
  say(
    'Electron could not be fetched: its download is on github.com. `npm run serve` opens CLAQ Studio in a browser instead.',
  );
  process.exit(1);
}
process.exitCode = await runOnProjectNode([join(ELECTRON, 'cli.js'), ROOT, ...process.argv.slice(2)]);
