/**
 * npm run bench:renderer [-- --seconds 10 --blocks 80]: whether a window that watches a run keeps up with 60 updates a second.
 * The built page in a real browser, on a fake service that sends pace and a matrix with every tick. Frames are counted by
 * requestAnimationFrame, work by the browser's own trace; the same page without updates says what the machine itself loses.
 */
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { MATRIX_KINDS } from '../shared/model.ts';
import { type RunDetail, type RunEvent, runIdSchema } from '../shared/runs.ts';
import { matrixResult, someRun } from '../tests/renderer/fake-library.ts';
import { sixtyTimesASecond } from '../tests/renderer/fake-progress.ts';
import type { FakeService } from '../tests/renderer/fake-service.ts';
import { openWindow } from '../tests/renderer/run/open-page.ts';
import { note, section, table } from './report.ts';

const options = z.object({
  seconds: z.coerce.number().min(1).max(600).default(10),
  blocks: z.coerce.number().int().min(1).max(200).default(80),
});
const { values } = parseArgs({ options: { seconds: { type: 'string' }, blocks: { type: 'string' } } });
const { seconds, blocks } = options.parse(values);

const RUN = runIdSchema.parse(900);
const FRAME = 1000 / 60;
/** A frame that comes later than this after the one before it has had another in between, which was dropped. */
const LATE = 1.5 * FRAME;

/** Milliseconds of updates before frames are counted: by then the page's code is compiled. */
const WARM_UP = 2000;

/** Puts a run of a model with that many blocks into the service's library; gives its events, a tick at a time. */
function longRun(service: FakeService): (tick: number) => RunEvent[] {
  const [, model] = service.state.models;
  if (model === undefined) throw new RangeError('the fake service has no models');
  const description = { ...model.description, blocks };
  const total = blocks * MATRIX_KINDS.length;
  const run: RunDetail = {
    ...someRun(RUN, model, 'queued', 0),
    id: RUN,
    state: 'running',
    blocks,
    matricesTotal: total,
    startedAt: new Date().toISOString(),
  };
  service.state.runs = [run, ...service.state.runs.filter(({ state }) => state !== 'running')];
  // The service's own ticking goes by this state; here the events are sent by hand.
  service.stop();
  return (tick) => {
    const index = tick % total;
    const kind = MATRIX_KINDS[index % MATRIX_KINDS.length] ?? 'q';
    const matrix = matrixResult(description, Math.floor(index / MATRIX_KINDS.length), kind, 2.12);
    const progress = {
      phase: 'Quantizing',
      done: 2048 * tick,
      total: 4e6,
      unit: 'tokens' as const,
      detail: kind,
    };
    const events: RunEvent[] = [
      { kind: 'pace', pace: { progress, rate: 122_880 + tick, secondsLeft: 600 - tick / 60 } },
      { kind: 'matrices', matrices: [matrix] },
    ];
    if (tick % 60 === 0) {
      const load = { at: Date.now(), memoryBytes: 2e9 + 1e6 * tick, processor: 0.9, gpu: null };
      events.push(
        { kind: 'load', load },
        { kind: 'note', note: { at: new Date().toISOString(), line: `tick ${tick}` } },
      );
    }
    return events;
  };
}

/** Milliseconds between frames, as the page sees them. */
async function frames(page: Page): Promise<number[]> {
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

interface Measured {
  readonly steps: readonly number[];
  readonly tasks: readonly number[];
}

async function measure(page: Page): Promise<Measured> {
  const browser = page.context().browser();
  if (browser === null) throw new Error('the page has no browser');
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] });
  const steps = await frames(page);
  return { steps, tasks: mainThreadTasks(await browser.stopTracing()) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

function row(label: string, { steps, tasks }: Measured): string[] {
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

section(`a watched run of ${blocks} blocks, ${seconds} s`);
const window = await openWindow();
try {
  let next: (tick: number) => RunEvent[] = () => [];
  const { page, service } = await window.open({
    scenario: 'running',
    path: `/runs/${RUN}`,
    prepare: (fake) => {
      next = longRun(fake);
    },
  });
  await page.getByRole('grid').waitFor();
  await page.getByRole('img', { name: /^Memory/ }).waitFor();
  const idle = await measure(page);
  const ticking = sixtyTimesASecond((tick) => {
    for (const event of next(tick)) service.state.runEvents.send({ id: RUN, event });
  });
  await page.waitForTimeout(WARM_UP);
  const busy = await measure(page);
  ticking.stop();
  table(
    'Frames of the page and work of its main thread',
    ['', 'frames', 'late', '99 % within', 'tasks over a frame', 'longest task', 'main thread'],
    [row('without updates', idle), row('60 updates a second', busy)],
  );
  note(
    `A frame is late more than ${LATE.toFixed(0)} ms after the one before it; a task over ${FRAME.toFixed(1)} ms drops one.`,
  );
} finally {
  await window.close();
}
