/**
 * Python with torch, transformers, safetensors and gguf, to load what was exported: a virtual environment in the user's cache, made
 * once (some minutes, 5 GB: PyPI's torch brings CUDA) with the versions of requirements.txt.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { lockFolder } from '../../main/engine/checkpoint/folder-lock.ts';
import { ClaqError } from '../../shared/errors.ts';

const execute = promisify(execFile);

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');

const cacheHome = process.env['XDG_CACHE_HOME'] ?? '';
const CACHE = join(cacheHome === '' ? join(homedir(), '.cache') : cacheHome, 'claq-studio');

/** A script of the tests takes seconds; this says that it hangs. */
const LONGEST_MS = 300_000;

const POLL_MS = 500;

export interface Python {
  /** Runs a script and returns what it prints. Throws an Error with its last words where it fails. */
  run(script: string, args: readonly string[]): Promise<string>;
}

/** The environment, or why there is none; with CLAQ_REQUIRE_CLIENTS=1 that is an error, and the tests cannot be left out. */
export async function pythonForTests(): Promise<Python | { readonly missing: string }> {
  try {
    const folder = await environment();
    return { run: (script, args) => run(join(folder, 'bin', 'python'), [script, ...args]) };
  } catch (error) {
    if (process.env['CLAQ_REQUIRE_CLIENTS'] === '1') throw error;
    const missing = lastLine(error instanceof Error ? error.message : String(error));
    process.stderr.write(`skipped: the tests with transformers need its Python packages, and ${missing}\n`);
    return { missing };
  }
}

/** No network; one thread, since other tests run beside it; and what was compiled of the packages is kept: to load them takes seconds. */
const ENVIRONMENT = {
  HF_HUB_OFFLINE: '1',
  TOKENIZERS_PARALLELISM: 'false',
  OMP_NUM_THREADS: '1',
  PYTHONDONTWRITEBYTECODE: '',
};

async function run(python: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, ...ENVIRONMENT };
  const { stdout } = await execute(python, args, { env, timeout: LONGEST_MS, maxBuffer: 2 ** 26 });
  return stdout;
}

async function environment(): Promise<string> {
  // Where programs of an environment are, and which torch pip finds, is another matter on Windows and macOS.
  if (process.platform !== 'linux') throw new Error('they are there for Linux only');
  const digest = createHash('sha256').update(await readFile(REQUIREMENTS));
  const folder = join(CACHE, `transformers-${digest.digest('hex').slice(0, 12)}`);
  while (!existsSync(folder)) {
    const lock = await unlessLocked(`${folder}.lock`);
    if (lock === undefined) {
      await sleep(POLL_MS);
      continue;
    }
    try {
      if (!existsSync(folder)) await makeEnvironment(folder);
    } finally {
      await lock.release();
    }
  }
  return folder;
}

/** Undefined while another test makes the environment. */
async function unlessLocked(folder: string): Promise<Awaited<ReturnType<typeof lockFolder>> | undefined> {
  await mkdir(folder, { recursive: true });
  try {
    return await lockFolder(folder);
  } catch (error) {
    if (error instanceof ClaqError && error.code === 'output/in-use') return undefined;
    throw error;
  }
}

async function makeEnvironment(folder: string): Promise<void> {
  const work = await mkdtemp(`${folder}.`);
  try {
    await execute('python3', ['-m', 'venv', work]);
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir'];
    await execute(join(work, 'bin', 'python'), [...install, '--requirement', REQUIREMENTS], {
      maxBuffer: 2 ** 26,
    });
    await rename(work, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? text;
}
