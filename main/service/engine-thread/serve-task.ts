import { parentPort } from 'node:worker_threads';
import type { GroupCalibration, OnCalibration } from '../../../shared/calibration.ts';
import type { EngineInUse } from '../../../shared/engine.ts';
import { ClaqError, plainError } from '../../../shared/errors.ts';
import type { OnProgress } from '../../../shared/progress.ts';
import type { MatrixResult } from '../../../shared/run-record.ts';
import type { StoredAnalysis, StoredStatistics } from '../store/store.ts';
import { type EngineJob, orderSchema, type Report } from './protocol.ts';

/** What goes on in a task goes to the thread's caller; `signal` is aborted when the caller calls the task off. */
export interface TaskHooks {
  readonly onProgress: OnProgress;
  readonly onNote: (line: string) => void;
  readonly onEngine: (engine: EngineInUse) => void;
  readonly onMatrix: (matrix: MatrixResult) => void;
  /** Arrays of these are handed over: whoever tells has them no more. */
  readonly onCalibration: OnCalibration;
  readonly onStatistics: (statistics: StoredStatistics) => void;
  readonly onAnalysis: (analysis: StoredAnalysis) => void;
  readonly signal: AbortSignal;
}

/**
 * Makes this thread one that does a single task and ends: it waits for the order to start, reports, and hears in between,
 * whenever the work gives the event loop its turn, that it is called off.
 */
export function serveTask(perform: (job: EngineJob, hooks: TaskHooks) => Promise<unknown>): void {
  const port = parentPort;
  if (port === null) throw new Error('this is not a thread');
  const report = (message: Report, handedOver: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, handedOver);
  const cancellation = new AbortController();
  const work = async (job: EngineJob): Promise<void> => {
    try {
      const result = await perform(job, {
        onProgress: (progress) => report({ kind: 'progress', progress }),
        onNote: (note) => report({ kind: 'note', note }),
        onEngine: (engine) => report({ kind: 'engine', engine }),
        onMatrix: (matrix) => report({ kind: 'matrix', matrix }),
        onCalibration: (calibration) => report({ kind: 'calibration', calibration }, buffersOf(calibration)),
        onStatistics: (statistics) => report({ kind: 'statistics', statistics }, buffersOf(statistics)),
        onAnalysis: (analysis) => report({ kind: 'analysis', analysis }, buffersOf(analysis)),
        signal: cancellation.signal,
      });
      report({ kind: 'result', result });
    } catch (error) {
      report(failure(error));
    } finally {
      // With nobody to listen to, the thread ends once its output is written.
      port.unref();
    }
  };
  port.on('message', (message: unknown) => {
    const order = orderSchema.parse(message);
    if (order.kind === 'cancel') cancellation.abort();
    else void work(order.job);
  });
}

/** Of the arrays of a report. Memory that threads share stays where it is. */
function buffersOf(report: GroupCalibration | StoredStatistics | StoredAnalysis): ArrayBuffer[] {
  const values: unknown[] = Object.values(report);
  const buffers = values.flatMap((value) => (ArrayBuffer.isView(value) ? [value.buffer] : []));
  return buffers.filter((buffer) => buffer instanceof ArrayBuffer);
}

function failure(error: unknown): Report {
  if (error instanceof ClaqError) return { kind: 'error', error: plainError(error) };
  if (!(error instanceof Error)) return { kind: 'fault', name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  return { kind: 'fault', name, message, stack };
}
