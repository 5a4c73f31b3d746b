/** Whether an addon loads, in a process of its own: what goes wrong in there ends that process only. */
import { ClaqError } from '../../../shared/errors.ts';
import { runOwnProgram } from '../own-program.ts';
import { lastWords, type ProgramOptions } from '../run-program.ts';

/**
 * Loads the addon with its libraries and compares the version that TensorFlow itself gives.
 *
 * @throws ClaqError setup/check-failed, run/cancelled
 */
export async function checkAddon(addon: string, version: string, options: ProgramOptions): Promise<void> {
  const end = await runOwnProgram('load-addon', [addon], {
    ...options,
    env: { ...options.env, TF_CPP_MIN_LOG_LEVEL: '3' },
  });
  if (end.code === 0 && end.stdout === version) return;
  throw new ClaqError('setup/check-failed', 'TensorFlow was unpacked but does not load', {
    where: addon,
    expected: `TensorFlow ${version}`,
    found: end.code === 0 ? `TensorFlow ${end.stdout}` : (loadError(end.stderr) ?? lastWords(end)),
    remedy:
      'see "What to do when it fails" in docs/gpu.md; another version may load: claq setup --tensorflow VERSION',
  });
}

/** The line of Node's report that says what is wrong: `Error: libfoo.so.2: cannot open shared object file`. */
function loadError(stderr: string): string | undefined {
  return stderr.split('\n').find((line) => /^\w*Error: /.test(line));
}
