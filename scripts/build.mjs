// node scripts/with-setup.mjs scripts/build.mjs [PART...]
//
// Builds the app into build/: the page (renderer), Electron's main process and its preload script (shell), and the service with
// the engine (app). A part whose sources have not changed is left as it is. The page and the shell are bundled; the service is
// not, since threads and processes are started from its files: each source file becomes one .js file in the same place.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { projectEnvironment, resolveProgram, ROOT } from './project.mjs';
import { withSetupLock } from './setup-lock.mjs';

const BUILD = join(ROOT, 'build');
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const COMMON_SOURCES = ['shared', 'package.json', 'package-lock.json', 'tsconfig.json', 'scripts/build.mjs'];

const PARTS = {
  licences: {
    sources: ['scripts/collect-licences.mjs'],
    outputs: ['licences.json'],
    build: () => run(join(ROOT, 'scripts', 'collect-licences.mjs'), [join(BUILD, 'licences.json')]),
  },
  renderer: {
    sources: ['renderer', 'index.html', 'vite.config.ts'],
    outputs: ['renderer'],
    build: () => vite({ root: ROOT, logLevel: 'warn' }),
  },
  shell: {
    sources: ['main/shell', 'main/service', 'preload'],
    outputs: ['shell', 'preload'],
    async build() {
      await bundle('main/shell/main.ts', 'shell/main.cjs');
      await bundle('preload/preload.ts', 'preload/preload.cjs');
    },
  },
  app: {
    sources: [
      'main/engine',
      'main/service',
      'resources/demo-model',
      'tsconfig.build.json',
      'build/licences.json',
    ],
    outputs: ['app'],
    build: buildApp,
  },
};

/** Loaded where there is something to build: it takes as long to load as a program of ours to start. */
async function vite(options) {
  const { build } = await import('vite');
  await build(options);
}

/** One CommonJS file with everything in it but Electron and Node: what a sandboxed preload script has to be. */
async function bundle(entry, output) {
  const [folder, file] = output.split('/');
  await vite({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      ssr: entry,
      outDir: join(BUILD, folder),
      target: 'es2022',
      minify: false,
      rolldownOptions: {
        external: ['electron', ...builtinModules, /^node:/],
        output: { format: 'cjs', entryFileNames: file, codeSplitting: false },
      },
    },
  });
}

/** The service and all that its files import, with what they read from beside them. */
function buildApp() {
  const app = join(BUILD, 'app');
  rmSync(app, { recursive: true, force: true });
  run(resolveProgram('tsc'), ['-p', join(ROOT, 'tsconfig.build.json')]);
  const { name, version, type } = MANIFEST;
  writeFileSync(join(app, 'package.json'), `${JSON.stringify({ name, version, type })}\n`);
  for (const folder of ['main/engine/kernels/build', 'resources/demo-model']) {
    cpSync(join(ROOT, folder), join(app, folder), { recursive: true, filter: isNeeded });
  }
  // Exported with packed models: Python, not to be compiled.
  const loader = 'main/engine/packed-model/modeling_claq.py';
  cpSync(join(ROOT, loader), join(app, loader));
  cpSync(join(BUILD, 'licences.json'), join(app, 'licences.json'));
}

/** What the program reads of a folder; the rest is how it came about. */
function isNeeded(path) {
  return statSync(path).isDirectory() || /\.(wasm|txt|json|safetensors)$/.test(path);
}

function run(program, args) {
  const { status } = spawnSync(process.execPath, [program, ...args], {
    cwd: ROOT,
    env: projectEnvironment(),
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`${program} failed`);
}

/** Of the contents and names of everything that a part is built from. */
function digestOf(sources) {
  const hash = createHash('sha256');
  for (const source of [...COMMON_SOURCES, ...sources]) {
    const path = join(ROOT, source);
    if (!existsSync(path)) continue;
    const files = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()
      : [path];
    for (const file of files) hash.update(file.slice(ROOT.length)).update('\0').update(readFileSync(file));
  }
  return hash.digest('hex');
}

async function buildPart(name) {
  const { sources, outputs, build: make } = PARTS[name];
  const stamp = join(BUILD, 'stamps', name);
  const digest = digestOf(sources);
  const isCurrent =
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === digest &&
    outputs.every((output) => existsSync(join(BUILD, output)));
  if (isCurrent) return;
  const start = performance.now();
  rmSync(stamp, { force: true });
  await make();
  mkdirSync(join(BUILD, 'stamps'), { recursive: true });
  writeFileSync(stamp, digest);
  process.stdout.write(`${name}: built in ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

const asked = process.argv.slice(2);
// Tests in several processes build what they run.
await withSetupLock(async () => {
  for (const name of asked.length === 0 ? Object.keys(PARTS) : ['licences', ...asked]) await buildPart(name);
});
