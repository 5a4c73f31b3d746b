import { mkdtemp, rmdir, stat } from 'node:fs/promises';
import { ClaqError } from '../../shared/errors.ts';
import type { RunHooks } from '../../shared/requests.ts';
import { outputErrors, writeTextAtomically } from '../engine/checkpoint/atomic-file.ts';
import { LANES, type Span, endTrace, startTrace } from '../engine/trace.ts';

/**
 * Does the work, and writes what ran when, of work that failed too.
 * @param onNote hears why a trace could not be written: what the work came to stands all the same
 */
export async function traced<T>(
  path: string | undefined,
  work: () => Promise<T>,
  onNote?: RunHooks['onNote'],
): Promise<T> {
  if (path === undefined) return work();
  startTrace();
  try {
    return await work();
  } finally {
    await writeTrace(path, endTrace()).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      onNote?.(`No trace was written to ${path}: ${why}`);
    });
  }
}

/** Finds out before a long run whether its trace can be written. Throws ClaqError output/not-writable, output/disk-full. */
export async function requireWritable(path: string): Promise<void> {
  // Permissions alone do not tell: root has them all, and a disk may be read-only.
  await outputErrors(path, async () => {
    await rmdir(await mkdtemp(`${path}.`));
  });
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory() !== true) return;
  throw new ClaqError('output/not-writable', 'The trace cannot take the place of a folder', {
    where: path,
    expected: 'a file, or a path that does not exist yet',
    found: 'a folder',
    remedy: 'name another file with --trace',
  });
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
