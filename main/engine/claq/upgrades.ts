/** Steps of columns from a choice to a dearer one, and the bits that are spent on them. */

/** Steps are put into order by as many leading bits of their gains as these leave of a float32. */
const BUCKET_SHIFT = 15;
const BUCKETS = 2 ** (31 - BUCKET_SHIFT);

/** The steps of all columns along their lower convex hulls of (bits, loss). */
export class Upgrades {
  readonly #bits: Float64Array;
  readonly #columns: number;
  /** Of each step: its column, the option that it leads to, its bits, and the drop in loss a bit. In the order of columns. */
  readonly #column: Int32Array;
  readonly #option: Uint8Array;
  readonly #cost: Float64Array;
  readonly #gain: Float64Array;
  #steps = 0;
  #added = 0;

  /** @param bits of each option, ascending, the cheapest first */
  constructor(bits: readonly number[], columns: number) {
    const most = columns * Math.max(0, bits.length - 1);
    this.#bits = Float64Array.from(bits);
    this.#columns = columns;
    this.#column = new Int32Array(most);
    this.#option = new Uint8Array(most);
    this.#cost = new Float64Array(most);
    this.#gain = new Float64Array(most);
  }

  /** The next column's. @param losses at each option */
  add(losses: Float64Array): void {
    const bits = this.#bits;
    let at = 0;
    for (;;) {
      let best = -1;
      let bestGain = 0;
      for (let option = at + 1; option < bits.length; option++) {
        const gain = ((losses[at] ?? 0) - (losses[option] ?? 0)) / ((bits[option] ?? 0) - (bits[at] ?? 0));
        // Nor where it is no number: the same loss for the same bits.
        if (!(gain > bestGain)) continue;
        best = option;
        bestGain = gain;
      }
      if (best < 0) break;
      this.#column[this.#steps] = this.#added;
      this.#option[this.#steps] = best;
      this.#cost[this.#steps] = (bits[best] ?? 0) - (bits[at] ?? 0);
      this.#gain[this.#steps] = bestGain;
      this.#steps += 1;
      at = best;
    }
    this.#added += 1;
  }

  /**
   * Takes steps in the order of their gains, the largest first, of equal ones those of the first columns. A step that does not fit is
   * left out, and so are its column's others.
   * @param left bits beyond the cheapest option of every column
   * @returns option of each column
   */
  spend(left: number): Int32Array {
    const { order, ends } = this.#byBucket();
    const chosen = new Int32Array(this.#columns);
    const stopped = new Uint8Array(this.#columns);
    const least = this.#cost.subarray(0, this.#steps).reduce((a, b) => Math.min(a, b), Infinity);
    let rest = left;
    let from = 0;
    for (const to of ends) {
      // Nothing fits any more.
      if (rest < least) break;
      const bucket = order.subarray(from, to);
      from = to;
      // Where all of it fits, in whatever order, it need not be put into one.
      if (this.#sum(bucket) > rest)
        bucket.sort((a, b) => (this.#gain[b] ?? 0) - (this.#gain[a] ?? 0) || a - b);
      for (const step of bucket) {
        const column = this.#column[step] ?? 0;
        const cost = this.#cost[step] ?? 0;
        if (stopped[column] === 1) continue;
        if (cost > rest) {
          stopped[column] = 1;
          continue;
        }
        chosen[column] = this.#option[step] ?? 0;
        rest -= cost;
      }
    }
    return chosen;
  }

  #sum(steps: Uint32Array): number {
    let sum = 0;
    for (const step of steps) sum += this.#cost[step] ?? 0;
    return sum;
  }

  /** All steps, those with the largest gains first as far as their buckets tell, and where each bucket that has any ends. */
  #byBucket(): { order: Uint32Array; ends: number[] } {
    const steps = this.#steps;
    // Patterns of positive floats are in the order of the floats, and rounding keeps it.
    const patterns = new Uint32Array(Float32Array.from(this.#gain.subarray(0, steps)).buffer);
    const counts = new Uint32Array(BUCKETS);
    for (const pattern of patterns) {
      const bucket = pattern >>> BUCKET_SHIFT;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    const starts = new Uint32Array(BUCKETS);
    const ends: number[] = [];
    let at = 0;
    for (let bucket = BUCKETS - 1; bucket >= 0; bucket--) {
      const count = counts[bucket] ?? 0;
      if (count === 0) continue;
      starts[bucket] = at;
      at += count;
      ends.push(at);
    }
    const order = new Uint32Array(steps);
    for (let step = 0; step < steps; step++) {
      const bucket = (patterns[step] ?? 0) >>> BUCKET_SHIFT;
      const place = starts[bucket] ?? 0;
      order[place] = step;
      starts[bucket] = place + 1;
    }
    return { order, ends };
  }
}
