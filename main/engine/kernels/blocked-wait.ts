import { CONTROL } from './kernel-jobs.ts';

/**
 * Milliseconds without any sign of life after which a blocked caller gives the kernel threads up. A tile of a product takes
 * well under a second even on the largest matrices in use, so a product may take as long as it likes, but a minute in
 * which no tile was taken and no thread finished means that a thread is gone.
 */
export const PATIENCE_MS = 60_000;

/** Looks within the patience: a process that is stopped and continued loses one of them, not all. */
const LOOKS = 20;

/**
 * Blocks the calling thread until the tiles of a job are done. While it blocks, no event reaches it, so it cannot be told
 * that a kernel thread has died; it watches the tiles go instead.
 * @returns false where nothing has moved for `patience` milliseconds
 */
export function blockUntilDone(control: Int32Array<SharedArrayBuffer>, patience: number): boolean {
  let taken = Atomics.load(control, CONTROL.next);
  let running = Atomics.load(control, CONTROL.running);
  let quiet = 0;
  while (running !== 0) {
    const outcome = Atomics.wait(control, CONTROL.running, running, patience / LOOKS);
    const before = { taken, running };
    taken = Atomics.load(control, CONTROL.next);
    running = Atomics.load(control, CONTROL.running);
    const moved = outcome !== 'timed-out' || taken !== before.taken || running !== before.running;
    quiet = moved ? 0 : quiet + 1;
    if (quiet === LOOKS) return false;
  }
  return true;
}
