import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OLDEST_NODE, projectEnvironment, projectNode, ROOT, say } from './project.mjs';
import { withSetupLock } from './setup-lock.mjs';

/** Npm's output is only shown where it fails; it is never this long. */
const OUTPUT_LIMIT_BYTES = 2 ** 26;

/** A set-up that failed, in words for the person at the terminal. */
export class SetUpError extends Error {}

/**
 * Makes a clone ready to run: the packages of package-lock.json, among them Node 24, and the kernels' WebAssembly.
 * Does nothing where they are there already. Throws SetUpError.
 */
export async function setUp() {
  await withSetupLock(() => {
    if (!packagesAreCurrent()) installPackages();
    if (projectNode() === undefined) {
      throw new SetUpError(
        `The sources need Node ${OLDEST_NODE} and this is Node ${process.versions.node}; the npm package \`node\` brought none for ` +
          `${process.platform}-${process.arch}. Install Node ${OLDEST_NODE} or a later one and start again.`,
      );
    }
    buildKernels();
  });
}

/**
 * Compares what npm says that it installed (its hidden lockfile, written last) with what package-lock.json asks for.
 * Packages that npm may leave out are not missed.
 */
function packagesAreCurrent() {
  const installed = readLock('node_modules/.package-lock.json');
  if (installed === undefined || projectNode() === undefined) return false;
  return Object.entries(readLock('package-lock.json') ?? {}).every(([path, wanted]) => {
    const found = installed[path];
    if (path === '' || (found === undefined && wanted.optional === true)) return true;
    return found !== undefined && found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

function readLock(name) {
  const path = join(ROOT, name);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

function installPackages() {
  say('Setting up: installing the packages, Node 24 among them (once, about a minute) ...');
  // The packages' own scripts are not run: one of them would fetch hundreds of megabytes that are not used.
  npm('ci', '--ignore-scripts');
  // But for this one, which fetches the program itself.
  if (existsSync(join(ROOT, 'node_modules', 'node'))) npm('rebuild', 'node');
  const missing = optionalPackagesMissing();
  if (missing.length > 0) say(`Optional, not installed here, not needed: ${missing.join(', ')}.`);
}

/** Runs npm in the project; its output is only shown where it fails. */
function npm(...args) {
  const { status, error, stdout, stderr } = spawnSync('npm', [...args, '--loglevel=error', '--no-progress'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: OUTPUT_LIMIT_BYTES,
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  const output = error === undefined ? `${stdout}${stderr}`.trimEnd() : error.message;
  throw new SetUpError(
    `The packages could not be installed. The set-up needs the npm registry; nothing else is fetched.\n` +
      `\`npm ${args.join(' ')}\` in ${ROOT} said:\n\n${output}`,
  );
}

function optionalPackagesMissing() {
  const optional = readLock('package-lock.json')?.['']?.optionalDependencies ?? {};
  return Object.keys(optional).filter((name) => !existsSync(join(ROOT, 'node_modules', name)));
}

/** The build knows itself whether it is stale. Its output goes to stderr, beside this set-up's. */
function buildKernels() {
  const script = join(ROOT, 'scripts', 'build-kernels.mjs');
  if (!existsSync(script)) return;
  const build = spawnSync(projectNode(), [script], {
    cwd: ROOT,
    env: projectEnvironment(),
    stdio: ['ignore', 2, 2],
  });
  if (build.status !== 0) throw new SetUpError('The kernels could not be built: see above.');
}
