import { writeTextAtomically } from '../engine/checkpoint/atomic-file.ts';
import { LANES, type Span, endTrace, startTrace } from '../engine/trace.ts';

/** Does the work, and writes what ran when; of work that failed too, whose error is then the one to tell. */
export async function traced<T>(path: string | undefined, work: () => Promise<T>): Promise<T> {
  if (path === undefined) return work();
  startTrace();
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await writeTrace(path, endTrace()).catch(() => undefined);
    throw error;
  }
  await writeTrace(path, endTrace());
  return result;
}

/**
 * Writes spans in Chrome's trace event format, which chrome://tracing and Perfetto open: complete events (`X`), times in
 * microseconds from the first one's start, a thread a lane.
 * Throws ClaqError output/not-writable, output/disk-full.
 */
export async function writeTrace(path: string, spans: readonly Span[]): Promise<void> {
  const origin = spans.reduce((earliest, { start }) => Math.min(earliest, start), Infinity);
  const names = LANES.map((lane, tid) => ({
    ph: 'M',
    name: 'thread_name',
    pid: 1,
    tid,
    args: { name: lane },
  }));
  const events = spans.map(({ lane, name, start, end }) => ({
    ph: 'X',
    name,
    cat: lane,
    pid: 1,
    tid: LANES.indexOf(lane),
    ts: microseconds(start - origin),
    dur: microseconds(end - start),
  }));
  await writeTextAtomically(path, `${JSON.stringify({ traceEvents: [...names, ...events] })}\n`);
}

function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}
