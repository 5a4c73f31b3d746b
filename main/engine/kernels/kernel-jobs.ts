/** What a kernel thread can be told to do, and how it is told: words in a small shared array beside the arena. */

/** Functions called as f(arguments, index, scratch), for all indices of a job, in any order, on any thread. */
export const TILE_FUNCTIONS = [
  'packLines',
  'productTile',
  'microKernelRate',
  'packKeys',
  'attendStrips',
  'gramBlock',
  'arrangeBlock',
  'arrangeFactor',
  'arrangeWeights',
  'stretchToRows',
  'rowsToStretch',
  'columnErrors',
  'columnMoments',
  'columnOutliers',
] as const;
export type TileFunction = (typeof TILE_FUNCTIONS)[number];

/** Pipelines: a step f(arguments, block, scratch) and an update f(arguments, source, target). */
export const PIPELINE_FUNCTIONS = [
  { name: 'factor', step: 'factorBlock', update: 'updateFactorBlock' },
  { name: 'quantize', step: 'quantizeBlock', update: 'compensateBlock' },
] as const;
export type PipelineFunction = (typeof PIPELINE_FUNCTIONS)[number]['name'];

/** Words of the control array. */
export const CONTROL = {
  /** Goes up by one for each job; threads sleep on it. */
  generation: 0,
  /** Threads that have not finished the job; whoever asked waits for it to become zero. */
  running: 1,
  /** Threads that failed. */
  failed: 2,
  /** 0: tiles, 1: pipelines. */
  kind: 3,
  /** Index into TILE_FUNCTIONS or PIPELINE_FUNCTIONS. */
  function: 4,
  /** Tiles: pointer to the arguments. Pipelines: pointer to one pointer to arguments each. */
  arguments: 5,
  /** Tiles: how many. Pipelines: words of the schedule. */
  count: 6,
  /** Tiles: next index to take. Pipelines: pointer to the schedule. */
  next: 7,
  /** Scratch of the first thread, and bytes between two threads' scratches. */
  scratch: 8,
  scratchStride: 9,
  /** 1: whoever asked has gone on and is told by a message; 0: it sleeps on `running`. */
  message: 10,
  words: 11,
} as const;

export const JOB_TILES = 0;
export const JOB_PIPELINES = 1;

export interface KernelThreadData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly thread: number;
}

/** Whether a worker was given what a kernel thread needs. */
export function isKernelThreadData(value: unknown): value is KernelThreadData {
  if (typeof value !== 'object' || value === null) return false;
  if (!('module' in value && 'memory' in value && 'control' in value && 'thread' in value)) return false;
  const { module, memory, control, thread } = value;
  return (
    module instanceof WebAssembly.Module &&
    memory instanceof WebAssembly.Memory &&
    control instanceof Int32Array &&
    control.buffer instanceof SharedArrayBuffer &&
    typeof thread === 'number'
  );
}

/**
 * What a kernel thread posts: that it waits for jobs; that a job it was told to announce is done; why its part of a job
 * failed. `job` is the generation. Messages of different threads arrive in any order.
 */
export type KernelMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly job: number }
  | { readonly kind: 'failure'; readonly job: number; readonly text: string };
