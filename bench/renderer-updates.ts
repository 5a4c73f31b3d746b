/**
 * npm run bench:renderer [-- --seconds 10 --blocks 80]: whether a window that watches a run keeps up with 60 updates a second.
 * The built page in a real browser, on a fake service that sends pace and a matrix with every tick. Frames are counted by
 * requestAnimationFrame, work by the browser's own trace; the same page without updates says what the machine itself loses.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { MATRIX_KINDS } from '../shared/model.ts';
import { type RunDetail, type RunEvent, runIdSchema } from '../shared/runs.ts';
import { matrixResult, someRun } from '../tests/renderer/fake-library.ts';
import { sixtyTimesASecond } from '../tests/renderer/fake-progress.ts';
import type { FakeService } from '../tests/renderer/fake-service.ts';
import { openWindow } from '../tests/renderer/run/open-page.ts';
import { measureFrames, reportFrames } from './page-frames.ts';
import { section } from './report.ts';

const options = z.object({
  seconds: z.coerce.number().min(1).max(600).default(10),
  blocks: z.coerce.number().int().min(1).max(200).default(80),
});
const { values } = parseArgs({ options: { seconds: { type: 'string' }, blocks: { type: 'string' } } });
const { seconds, blocks } = options.parse(values);

const RUN = runIdSchema.parse(900);
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
  const idle = await measureFrames(page, seconds);
  const ticking = sixtyTimesASecond((tick) => {
    for (const event of next(tick)) service.state.runEvents.send({ id: RUN, event });
  });
  await page.waitForTimeout(WARM_UP);
  const busy = await measureFrames(page, seconds);
  ticking.stop();
  reportFrames({ 'without updates': idle, '60 updates a second': busy });
} finally {
  await window.close();
}
