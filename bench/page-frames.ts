/** What a page draws and what its main thread does, in a real browser: frames by requestAnimationFrame, work by the browser's own trace. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { note, table } from './report.ts';

const FRAME = 1000 / 60;
/** A frame that comes later than this after the one before it has had another in between, which was dropped. */
const LATE = 1.5 * FRAME;

/** Milliseconds between frames, as the page sees them. */
async function frames(page: Page, seconds: number): Promise<number[]> {
  return page.evaluate<number[]>(`new Promise((resolve) => {
    const steps = [];
    const start = performance.now();
    let last = start;
    const frame = (now) => {
      if (last !== start) steps.push(now - last);
      last = now;
      if (now - start < ${1000 * seconds}) requestAnimationFrame(frame);
      else resolve(steps);
    };
    requestAnimationFrame(frame);
  })`);
}

const traceSchema = z.object({
  traceEvents: z.array(
    z.object({
      name: z.string(),
      pid: z.number(),
      tid: z.number(),
      tdur: z.number().optional(),
      args: z.looseObject({ name: z.string().optional() }).optional(),
    }),
  ),
});

/**
 * Milliseconds of processor time of each task of the page's main thread: what keeps it from drawing a frame. Time in which
 * other programs had the processor is not in them.
 */
function mainThreadTasks(trace: Buffer): number[] {
  const { traceEvents } = traceSchema.parse(JSON.parse(trace.toString('utf8')));
  const threads = traceEvents.filter(
    ({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain',
  );
  const byThread = threads.map((thread) =>
    traceEvents
      .filter(({ name, pid, tid }) => name === 'RunTask' && pid === thread.pid && tid === thread.tid)
      .map(({ tdur = 0 }) => tdur / 1000),
  );
  // The browser has main threads for pages that are not shown, which do next to nothing.
  return byThread.toSorted((a, b) => sum(b) - sum(a))[0] ?? [];
}

export interface Measured {
  readonly seconds: number;
  readonly steps: readonly number[];
  readonly tasks: readonly number[];
}

/**
 * Watches the page for some seconds.
 * @param step what a user does meanwhile, again and again, at most once a frame
 */
export async function measureFrames(
  page: Page,
  seconds: number,
  step?: (count: number) => Promise<void>,
): Promise<Measured> {
  const browser = page.context().browser();
  if (browser === null) throw new Error('the page has no browser');
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] });
  const end = performance.now() + 1000 * seconds;
  const counting = frames(page, seconds);
  for (let count = 0; step !== undefined && performance.now() < end; count++) {
    await Promise.all([step(count), delay(FRAME)]);
  }
  return { seconds, steps: await counting, tasks: mainThreadTasks(await browser.stopTracing()) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** The value that a share of the numbers lies at or below. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

function row(label: string, { seconds, steps, tasks }: Measured): string[] {
  const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;
  return [
    label,
    String(steps.length),
    String(steps.filter((step) => step > LATE).length),
    milliseconds(quantile(steps, 0.99)),
    String(tasks.filter((task) => task > FRAME).length),
    milliseconds(Math.max(0, ...tasks)),
    `${((100 * sum(tasks)) / (1000 * seconds)).toFixed(1)} %`,
  ];
}

/** Prints what was measured, a line each. */
export function reportFrames(measured: Readonly<Record<string, Measured>>): void {
  table(
    'Frames of the page and work of its main thread',
    ['', 'frames', 'late', '99 % within', 'tasks over a frame', 'longest task', 'main thread'],
    Object.entries(measured).map(([label, each]) => row(label, each)),
  );
  note(
    `A frame is late more than ${LATE.toFixed(0)} ms after the one before it; a task over ${FRAME.toFixed(1)} ms drops one.`,
  );
}
