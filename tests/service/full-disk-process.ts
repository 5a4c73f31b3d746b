/**
 * Quantizes a model (argument 1) onto a small file system of its own (a folder in argument 2, of argument 3 megabytes),
 * fills that file system once quantizing has begun, and says in a line of JSON how it ended. It is to be started in a
 * namespace in which it may mount.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { quantizeModel } from '../../main/service/quantize.ts';
import { systemErrorCode } from '../../shared/system-error.ts';
import { ClaqError } from '../../shared/errors.ts';
import { QUICK_TEXTS } from './tiny-model.ts';

const [model = '', disk = '', megabytes = ''] = process.argv.slice(2);
spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk], { stdio: 'inherit' });
const out = join(disk, 'run');

/** As another program would that writes to the same disk. */
function fillDisk(): void {
  const file = openSync(join(disk, 'of-another-program'), 'w');
  const piece = new Uint8Array(4096);
  try {
    for (;;) writeSync(file, piece);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

let filled = false;
const request = { model, out, ...QUICK_TEXTS, evaluation: { windows: 0 } };
const ended = await quantizeModel(request, {
  onProgress({ phase }) {
    if (phase !== 'Quantizing' || filled) return;
    filled = true;
    fillDisk();
  },
}).catch((error: unknown) => error);
if (!(ended instanceof ClaqError)) throw new Error('expected a ClaqError', { cause: ended });
const { code, where, expected, found, remedy } = ended;
const left = existsSync(out) ? readdirSync(out, { recursive: true }).map(String).toSorted() : null;
process.stdout.write(JSON.stringify({ filled, code, where, expected, found, remedy, left }));
