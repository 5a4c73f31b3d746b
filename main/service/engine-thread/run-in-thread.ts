/**
 * The service's long tasks in a thread of their own. Tensor operations block the thread that calls them, for seconds on a
 * large model; the caller's thread stays free for progress, signals and a window.
 */
import { totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { type ResourceLimits, SHARE_ENV, Worker } from 'node:worker_threads';
import { claqError, ClaqError } from '../../../shared/errors.ts';
import type { Progress } from '../../../shared/progress.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { siblingModule } from '../../engine/sibling-module.ts';
import type { StoredAnalysis, StoredStatistics } from '../store/store.ts';
import { validRequest } from '../valid-request.ts';
import {
  TASK_SCHEMAS,
  type EngineTask,
  type Report,
  reportSchema,
  type TaskRequest,
  type TaskResult,
} from './protocol.ts';

/** How a caller follows a task; these of the tasks `measure` and `analyse`. */
export interface ThreadHooks extends RunHooks {
  readonly onStatistics?: ((statistics: StoredStatistics) => void) | undefined;
  readonly onAnalysis?: ((analysis: StoredAnalysis) => void) | undefined;
}

/** How the thread is started; given only to see how one ends that fails. */
export interface ThreadOptions {
  /** What the thread runs. */
  readonly body?: URL;
  /** Of its heap, in place of OWN_HEAP. */
  readonly resourceLimits?: ResourceLimits;
}

/**
 * Texts and their tokens are what grows on the heap; tensors, weights and codes lie elsewhere. By default a heap ends at 4 GB,
 * however much memory the machine has. V8 knows better where it must: --max-old-space-size goes before this, and so does what an
 * Electron has room for, which is 4 GB.
 */
const OWN_HEAP: ResourceLimits = { maxOldGenerationSizeMb: Math.floor(usableMemory() / 2 / 2 ** 20) };

/**
 * MB of heap and of arrays beside it up to which the thread does not collect garbage that it expects little of. Arrays of tensors'
 * values come and go, and V8 would mark the whole heap behind every 13 MB of them: a tenth of a run, against 50 MB of memory.
 */
const UNCOLLECTED = 256;

/** Bytes of the machine, or of the part of it that a container may use. */
function usableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

const BODY = siblingModule(import.meta.url, './worker');

/**
 * These start TensorFlow, which one thread of a process may have at a time. `measure` and `analyse` start kernel threads alone,
 * with memory of their own: they may run beside any other.
 */
const WITH_ENGINE: ReadonlySet<EngineTask> = new Set<EngineTask>([
  'quantize',
  'evaluate',
  'sensitivity',
  'rates',
]);
let engineAtWork: EngineTask | undefined;

/**
 * Does a task of the service in a thread, which is gone when the promise is settled.
 *
 * @param hooks are called in this thread, in the order in which the task called them; one that throws ends the task
 * @throws ClaqError request/invalid, engine/busy, engine/thread-died, and what the task throws: ClaqError as it was, but for
 *   its cause; of other errors name, message and stack
 */
export async function inEngineThread<Task extends EngineTask>(
  task: Task,
  request: TaskRequest<Task>,
  hooks: ThreadHooks = {},
  options: ThreadOptions = {},
): Promise<TaskResult<Task>> {
  const job = { task, request: validRequest(TASK_SCHEMAS[task].request, request) };
  const { result } = TASK_SCHEMAS[task];
  if (!WITH_ENGINE.has(task)) return result.parse(await outcome(job, hooks, options));
  if (engineAtWork !== undefined) throw busy(engineAtWork);
  engineAtWork = task;
  try {
    return result.parse(await outcome(job, hooks, options));
  } finally {
    engineAtWork = undefined;
  }
}

type Ending = { readonly result: unknown } | { readonly error: unknown };

interface Job {
  readonly task: EngineTask;
  readonly request: unknown;
}

/** What the thread came to, once it is gone. */
async function outcome(job: Job, hooks: ThreadHooks, options: ThreadOptions): Promise<unknown> {
  const { body = BODY, resourceLimits = OWN_HEAP } = options;
  // Of threads that are started from here on.
  setFlagsFromString(`--initial-old-space-size=${UNCOLLECTED}`);
  // TensorFlow reads the environment of the process, not the copy that a thread has by default.
  const worker = new Worker(body, { env: SHARE_ENV, resourceLimits });
  const cancel = (): void => worker.postMessage({ kind: 'cancel' });
  const gone = Promise.withResolvers<Ending>();
  let ending: Ending | undefined;
  let latest: Progress | undefined;
  const hear = (report: Report): void => {
    switch (report.kind) {
      case 'progress':
        latest = report.progress;
        hooks.onProgress?.(report.progress);
        return;
      case 'note':
        hooks.onNote?.(report.note);
        return;
      case 'engine':
        hooks.onEngine?.(report.engine);
        return;
      case 'matrix':
        hooks.onMatrix?.(report.matrix);
        return;
      case 'calibration':
        hooks.onCalibration?.(report.calibration);
        return;
      case 'statistics':
        hooks.onStatistics?.(report.statistics);
        return;
      case 'analysis':
        hooks.onAnalysis?.(report.analysis);
        return;
      case 'result':
        ending ??= { result: report.result };
        return;
      case 'error':
        ending ??= { error: claqError(report.error) };
        return;
      case 'fault':
        ending ??= { error: faultOf(report) };
        return;
    }
  };
  worker.on('message', (message: unknown) => {
    try {
      hear(reportSchema.parse(message));
    } catch (error) {
      ending ??= { error };
      cancel();
    }
  });
  worker.on('error', (cause: unknown) => {
    ending ??= { error: threadDied(job.task, latest, foundOf(cause), cause) };
  });
  worker.on('exit', (code) => {
    gone.resolve(ending ?? { error: threadDied(job.task, latest, `it ended with code ${code}`) });
  });
  worker.postMessage({ kind: 'start', job });
  if (hooks.signal?.aborted === true) cancel();
  hooks.signal?.addEventListener('abort', cancel, { once: true });
  try {
    const ended = await gone.promise;
    if ('error' in ended) throw ended.error;
    return ended.result;
  } finally {
    hooks.signal?.removeEventListener('abort', cancel);
  }
}

function faultOf({ name, message, stack }: Extract<Report, { kind: 'fault' }>): Error {
  const error = new Error(message);
  error.name = name;
  // Of the thread, where the fault is; this thread's says nothing about it.
  if (stack !== undefined) error.stack = stack;
  return error;
}

function busy(task: EngineTask): ClaqError {
  return new ClaqError('engine/busy', 'The engine is at work already', {
    expected: 'one task of the engine at a time',
    found: `the task ${task}`,
    remedy: 'wait for it to end, or cancel it',
  });
}

/** Node's code of the error that ends a thread whose heap is full. */
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';

function foundOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return systemErrorCode(cause) === OUT_OF_MEMORY ? `its memory ran out (${message})` : message;
}

const GO_ON: Record<EngineTask, string> = {
  inspect: 'start it again',
  quantize: "finished blocks are kept: the same command, with the run's folder as --out, goes on behind them",
  evaluate: 'start it again',
  sensitivity: 'start it again',
  rates: 'start it again',
  measure: 'start it again: what was measured is kept',
  analyse: 'start it again: what was measured is kept',
  export: "start it again: what was half-written has another name, and is in nobody's way",
};

function threadDied(
  task: EngineTask,
  latest: Progress | undefined,
  found: string,
  cause?: unknown,
): ClaqError {
  const { phase, detail } = latest ?? { phase: 'before its first step' };
  const more =
    systemErrorCode(cause) === OUT_OF_MEMORY
      ? '; shorter calibration and evaluation texts take less of this memory, which tensors are no part of'
      : '';
  return new ClaqError('engine/thread-died', "The engine's thread ended in the middle of its work", {
    where: detail === undefined ? phase : `${phase}: ${detail}`,
    found,
    remedy: `${GO_ON[task]}${more}`,
    cause,
  });
}
