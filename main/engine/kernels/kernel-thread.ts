/** The body of a kernel thread: sleeps until the control array names a job, works on it, reports, sleeps again. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  CONTROL,
  JOB_PIPELINES,
  type KernelMessage,
  PIPELINE_FUNCTIONS,
  TILE_FUNCTIONS,
  isKernelThreadData,
} from './kernel-jobs.ts';
import { PipelineSchedule } from './pipeline-schedule.ts';

type Kernel = (args: number, first: number, second: number) => void;

const data: unknown = workerData;
if (!isKernelThreadData(data)) throw new TypeError('this is not a kernel thread');
const { module, memory, control, thread } = data;
const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports;

function kernel(name: string): Kernel {
  const found = kernels[name];
  if (!isKernel(found)) throw new TypeError(`the kernels have no ${name}`);
  return found;
}

/** The kernels take as many words as they need, and the further ones are dropped. */
function isKernel(value: unknown): value is Kernel {
  return typeof value === 'function';
}

const tileKernels = TILE_FUNCTIONS.map((name) => kernel(name));
const pipelineKernels = PIPELINE_FUNCTIONS.map(({ step, update }) => ({
  step: kernel(step),
  update: kernel(update),
}));

/** Pointers are unsigned; the control array is not. */
function word(index: number): number {
  return Atomics.load(control, index) >>> 0;
}

function runTiles(scratch: number): void {
  const run = tileKernels[word(CONTROL.function)];
  if (run === undefined) throw new RangeError('unknown tile function');
  const args = word(CONTROL.arguments);
  const count = word(CONTROL.count);
  for (;;) {
    const index = Atomics.add(control, CONTROL.next, 1);
    if (index >= count) return;
    run(args, index, scratch);
  }
}

function runPipelines(scratch: number): void {
  const run = pipelineKernels[word(CONTROL.function)];
  const { buffer } = memory;
  if (run === undefined || !(buffer instanceof SharedArrayBuffer))
    throw new RangeError('unknown pipeline function');
  const schedule = new PipelineSchedule(new Int32Array(buffer, word(CONTROL.next), word(CONTROL.count)));
  const pointers = new Uint32Array(buffer);
  const first = word(CONTROL.arguments) / 4;
  try {
    for (;;) {
      const task = schedule.claim();
      switch (task.kind) {
        case 'done':
          return;
        case 'wait':
          schedule.waitForChange(task.version);
          break;
        case 'step':
          run.step(pointers[first + task.pipeline] ?? 0, task.block, scratch);
          break;
        case 'update':
          run.update(pointers[first + task.pipeline] ?? 0, task.source, task.target);
          break;
      }
      schedule.finish(task);
    }
  } catch (error) {
    schedule.abandon();
    throw error;
  }
}

function post(message: KernelMessage): void {
  parentPort?.postMessage(message);
}

post({ kind: 'ready' });
let seen = 0;
for (;;) {
  // Atomics.wait was seen to return without a new generation; a job that is worked on twice is given back twice.
  while (Atomics.load(control, CONTROL.generation) === seen) Atomics.wait(control, CONTROL.generation, seen);
  seen = Atomics.load(control, CONTROL.generation);
  const scratch = word(CONTROL.scratch) + thread * word(CONTROL.scratchStride);
  try {
    if (Atomics.load(control, CONTROL.kind) === JOB_PIPELINES) runPipelines(scratch);
    else runTiles(scratch);
  } catch (error) {
    Atomics.add(control, CONTROL.failed, 1);
    post({ kind: 'failure', job: seen, text: error instanceof Error ? error.message : String(error) });
  }
  // Read before the job is given back: the next one may begin at once.
  const announce = Atomics.load(control, CONTROL.message) === 1;
  if (Atomics.sub(control, CONTROL.running, 1) === 1) {
    if (announce) post({ kind: 'done', job: seen });
    else Atomics.notify(control, CONTROL.running);
  }
}
