/**
 * A command that never ends (`stubborn`; `blocked` with a thread that cannot be interrupted), ends soon after it is called
 * off (`obedient`) or breaks (`faulty`), for the tests of what stands around a command's work.
 */
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { runCommand } from '../../main/cli/run-command.ts';
import { SAME_PRESS_SECONDS } from '../../main/cli/stop-signals.ts';
import { ClaqError } from '../../shared/errors.ts';

const behaviour = process.argv[2];
/** Half an hour in native code, as a tensor operation is. */
const NATIVE_WORK = "require('node:crypto').pbkdf2Sync('', '', 2 ** 31 - 1, 64, 'sha512')";

process.exitCode = await runCommand(
  'test',
  { json: process.argv.includes('--json') },
  async ({ onProgress, signal }) => {
    if (behaviour === 'faulty') throw new TypeError('the tests broke it');
    if (behaviour === 'blocked') new Worker(NATIVE_WORK, { eval: true });
    onProgress({ phase: `Being ${behaviour ?? 'idle'}`, done: 0, total: 1, unit: 'tensors' });
    while (behaviour !== 'obedient' || !signal.aborted) await setTimeout(10);
    await setTimeout(SAME_PRESS_SECONDS * 1000);
    throw new ClaqError('run/cancelled', 'The run was cancelled');
  },
);
