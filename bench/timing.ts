/** Seconds of several runs of the same work. */
export class Times {
  readonly sorted: readonly number[];

  constructor(seconds: readonly number[]) {
    this.sorted = seconds.toSorted((a, b) => a - b);
  }

  /** With the runs of another time. */
  and({ sorted }: Times): Times {
    return new Times([...this.sorted, ...sorted]);
  }

  get best(): number {
    return this.sorted[0] ?? NaN;
  }

  get median(): number {
    const { length } = this.sorted;
    const [below, above] = [this.sorted[(length - 1) >> 1], this.sorted[length >> 1]];
    return ((below ?? NaN) + (above ?? NaN)) / 2;
  }

  /** "1.02 s (0.98 to 1.31, 5 runs)" */
  toString(): string {
    const { length } = this.sorted;
    if (length === 1) return seconds(this.median);
    return `${seconds(this.median)} (${figure(this.best)} to ${figure(this.sorted[length - 1] ?? NaN)}, ${length} runs)`;
  }
}

/** Runs the work `runs` times, after one run that is not counted where `warmUp` is set. */
export async function timeRuns(
  work: () => Promise<unknown>,
  runs: number,
  { warmUp = true }: { readonly warmUp?: boolean } = {},
): Promise<Times> {
  if (warmUp) await work();
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / 1000);
  }
  return new Times(times);
}

function figure(value: number): string {
  return value.toPrecision(3);
}

export function seconds(value: number): string {
  return value < 0.1 ? `${figure(value * 1000)} ms` : `${figure(value)} s`;
}
