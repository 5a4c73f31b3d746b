/**
 * llama.cpp, to load what was exported: by the prebuilt library of node-llama-cpp, installed once into the user's cache. Linux on
 * x64 only.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const execute = promisify(execFile);

const SOURCE = join(import.meta.dirname, 'llama');
const MANIFEST = 'package.json';

const cacheHome = process.env['XDG_CACHE_HOME'] ?? '';
const CACHE = join(cacheHome === '' ? join(homedir(), '.cache') : cacheHome, 'claq-studio');

/** A model's answers take seconds; this says that it hangs. */
const LONGEST_MS = 1_200_000;

export interface Questions {
  /** The GGUF file. */
  readonly path: string;
  /** To be made into tokens, control tokens in them taken as such. */
  readonly texts?: readonly string[];
  /** To be continued by the likeliest token, `count` times. */
  readonly greedy?: readonly { readonly ids: readonly number[]; readonly count: number }[];
  /** To be evaluated. */
  readonly windows?: readonly (readonly number[])[];
  /** Whether to answer with all logits of the windows. */
  readonly logits?: boolean;
  /** Of the keys and values that attention remembers; llama.cpp's own choice is F16. */
  readonly cacheType?: 'F16' | 'F32';
}

const ids = z.array(z.int());

const answersSchema = z.strictObject({
  tokens: z.array(ids),
  bos: z.int().nullish(),
  eos: z.int().nullish(),
  addsBos: z.boolean(),
  addsEos: z.boolean(),
  greedy: z.array(ids),
  /** Negative log-likelihood of each token of each window but the first, in nats. */
  nll: z.array(z.array(z.number())),
  /** Of each window, one row of the vocabulary for each token. */
  logits: z.array(z.array(z.array(z.number()))),
  /** Warnings and errors while the file was loaded. */
  messages: z.array(z.object({ level: z.string(), message: z.string() })),
});
export type Answers = z.infer<typeof answersSchema>;

export interface Llama {
  /** Loads the file and asks. Throws an Error with what llama.cpp printed where it fails. */
  ask(questions: Questions): Promise<Answers>;
  /** The same of several files, in one process. */
  askAll(questions: readonly Questions[]): Promise<readonly Answers[]>;
}

/** llama.cpp, or why there is none; with CLAQ_REQUIRE_CLIENTS=1 that is an error, and the tests cannot be left out. */
export async function llamaForTests(): Promise<Llama | { readonly missing: string }> {
  try {
    const packages = await installed();
    return {
      ask: async (questions) => firstOf(await ask(packages, [questions])),
      askAll: (questions) => ask(packages, questions),
    };
  } catch (error) {
    if (process.env['CLAQ_REQUIRE_CLIENTS'] === '1') throw error;
    const missing = error instanceof Error ? error.message : String(error);
    process.stderr.write(`skipped: the tests with llama.cpp need node-llama-cpp, and ${missing}\n`);
    return { missing };
  }
}

function firstOf([answers]: readonly Answers[]): Answers {
  if (answers === undefined) throw new Error('llama.cpp gave no answer');
  return answers;
}

async function ask(packages: string, questions: readonly Questions[]): Promise<Answers[]> {
  const folder = await mkdtemp(join(tmpdir(), 'claq-llama-'));
  try {
    const [questionsFile, answersFile] = [join(folder, 'questions.json'), join(folder, 'answers.json')];
    const unasked = { texts: [], greedy: [], windows: [], logits: false, cacheType: 'F32' };
    const complete = questions.map((each) => ({ ...unasked, ...each }));
    await writeFile(questionsFile, JSON.stringify(complete));
    const program = [join(SOURCE, 'ask.mjs'), packages, questionsFile, answersFile];
    await execute(process.execPath, program, { timeout: LONGEST_MS, maxBuffer: 2 ** 26 });
    return z.array(answersSchema).parse(JSON.parse(await readFile(answersFile, 'utf8')));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The folder of the packages, installed where they were not. */
async function installed(): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('it is there for Linux on x64 only');
  const digest = createHash('sha256').update(await readFile(join(SOURCE, MANIFEST)));
  const folder = join(CACHE, `llama-${digest.digest('hex').slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(`${folder}.`);
  try {
    await copyFile(join(SOURCE, MANIFEST), join(work, MANIFEST));
    const install = ['install', '--omit=optional', '--ignore-scripts', '--no-package-lock'];
    await execute('npm', install, { cwd: work, maxBuffer: 2 ** 26 });
    // Another process may have been faster.
    if (!existsSync(folder)) await rename(work, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}
