// node scripts/with-setup.mjs scripts/build-addon.mjs
//
// Brings the addon of TensorFlow for this system into build/addon, where `npm run dist` takes it from. Where it is made of the same
// sources already, nothing is done; where it cannot be made, the package goes without it.
import { bringAddon } from '../main/service/tensorflow-setup/bring-addon.ts';
import { ClaqError } from '../shared/errors.ts';
import { say } from './project.mjs';
import { withSetupLock } from './setup-lock.mjs';

/** What this machine lacks. Other errors are faults: of the addon, or of the build. */
const LACKS = [
  'setup/package-missing',
  'setup/compiler-missing',
  'setup/python-missing',
  'setup/download-failed',
];

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stop.abort());

const start = performance.now();
let phase = '';
const hooks = {
  signal: stop.signal,
  onProgress: (progress) => {
    if (progress.phase !== phase) process.stdout.write(`addon: ${progress.phase} ...\n`);
    phase = progress.phase;
  },
};

try {
  const done = await withSetupLock(() => bringAddon(hooks));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (done === 'taken') process.stdout.write("addon: taken from this user's TensorFlow\n");
  if (done === 'built') process.stdout.write(`addon: built in ${seconds} s\n`);
} catch (error) {
  if (!(error instanceof ClaqError)) throw error;
  const { code, message, found = 'no more is known' } = error;
  if (code === 'setup/unsupported') say(`addon: none for this system. ${message} (this is ${found}).`);
  else if (LACKS.includes(code)) {
    say(
      `addon: the package goes without it. ${message} (${found}). The set-up of TensorFlow compiles it then.`,
    );
  } else if (code === 'run/cancelled') process.exitCode = 130;
  else throw error;
}
