/** What ran when, to see what overlaps: spans in lanes. Kept while somebody records, else nothing is. */

/** The run's parts; tensor operations, which block the engine's thread; jobs of the kernel threads. */
export const LANES = ['run', 'tensors', 'kernels'] as const;
export type Lane = (typeof LANES)[number];

export interface Span {
  readonly lane: Lane;
  readonly name: string;
  /** Milliseconds on the clock of performance.now(). */
  readonly start: number;
  readonly end: number;
}

let recorded: Span[] | undefined;

/** Records from now on; what was recorded before is forgotten. */
export function startTrace(): void {
  recorded = [];
}

/** Stops recording, and gives what was recorded in the order of the ends. */
export function endTrace(): readonly Span[] {
  const spans = recorded ?? [];
  recorded = undefined;
  return spans;
}

/** Does the work, and records how long it took, awaited work too. */
export function span<T>(lane: Lane, name: string, work: () => T): T {
  if (recorded === undefined) return work();
  const into = recorded;
  const start = performance.now();
  const end = (): void => {
    into.push({ lane, name, start, end: performance.now() });
  };
  let result: T;
  try {
    result = work();
  } catch (error) {
    end();
    throw error;
  }
  if (result instanceof Promise) result.then(end, end);
  else end();
  return result;
}
