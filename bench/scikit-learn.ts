/** scikit-learn itself, as the yardstick that its port in our kernels is held to: fits of the same columns in Python. */
import { execFile } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const SCIKIT_LEARN = 'scikit-learn==1.9.1';
const SCRIPT = join(import.meta.dirname, 'scikit_fits.py');

export interface ScikitFits {
  readonly version: string;
  /** Of each fit, one thread. */
  readonly seconds: readonly number[];
  /** Sum of squared errors of all columns. */
  readonly error: number;
}

const answer = z.object({ version: z.string(), seconds: z.array(z.number()), error: z.number() });

/**
 * Fits 2^bits centroids to each column. The Python packages go into an environment in the user's cache, made when it is
 * first needed. Throws where there is no Python with pip.
 * @param columns one after another, of `rows` values each
 */
export async function scikitFits(columns: Float32Array, rows: number, bits: number): Promise<ScikitFits> {
  const python = await pythonWithScikit();
  const folder = await mkdtemp(join(tmpdir(), 'claq-bench-'));
  try {
    const file = join(folder, 'columns.f32');
    await writeFile(file, columns);
    const { stdout } = await promisify(execFile)(python, [SCRIPT, file, String(rows), String(bits)]);
    return answer.parse(JSON.parse(stdout));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function pythonWithScikit(): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const environment = join(cache, 'claq-studio', SCIKIT_LEARN.replaceAll('=', '-'));
  const python = join(environment, 'bin', 'python');
  const run = promisify(execFile);
  const isReady = await access(join(environment, 'ready')).then(
    () => true,
    () => false,
  );
  if (isReady) return python;
  await run('python3', ['-m', 'venv', '--clear', environment]);
  await run(python, ['-m', 'pip', 'install', '--quiet', SCIKIT_LEARN]);
  await writeFile(join(environment, 'ready'), '');
  return python;
}
