import { setImmediate as turn } from 'node:timers/promises';

/** How long work may hold the event loop at a time: others are answered in between. */
const SLICE_MS = 5;

/** Cuts long work into slices: ask for a pause wherever one may be. */
export class TimeSlices {
  #begun = performance.now();

  /** Lets others have their turn where this slice is used up. */
  async pause(): Promise<void> {
    if (performance.now() - this.#begun < SLICE_MS) return;
    await turn();
    this.#begun = performance.now();
  }
}
