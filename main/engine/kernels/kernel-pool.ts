import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ClaqError } from '../../../shared/errors.ts';
import { Arena } from './arena.ts';
import { PATIENCE_MS, blockUntilDone } from './blocked-wait.ts';
import {
  CONTROL,
  JOB_PIPELINES,
  JOB_TILES,
  type KernelMessage,
  type KernelThreadData,
  PIPELINE_FUNCTIONS,
  type PipelineFunction,
  TILE_FUNCTIONS,
  type TileFunction,
} from './kernel-jobs.ts';
import { type KernelFlavour, type KernelModule, loadKernelModule } from './kernel-module.ts';
import { siblingModule } from '../sibling-module.ts';
import { span } from '../trace.ts';
import { PipelineSchedule, scheduleWords } from './pipeline-schedule.ts';
import { type ScratchSizes, scratchSizes } from './scratch-sizes.ts';

export interface KernelPoolOptions {
  /** Kernel threads; the machine's cores where not given. The results do not depend on it. */
  readonly threads?: number | undefined;
  readonly flavour?: KernelFlavour;
  /** Milliseconds without a sign of life after which a blocked caller gives the threads up. */
  readonly patience?: number;
}

/** Words of the control array that describe a job (CONTROL says what they mean). */
interface Job {
  readonly kind: typeof JOB_TILES | typeof JOB_PIPELINES;
  readonly function: number;
  readonly arguments: number;
  readonly count: number;
  readonly next: number;
}

interface AwaitedJob {
  readonly generation: number;
  readonly end: PromiseWithResolvers<undefined>;
  done: boolean;
  failure: string | undefined;
}

interface Parts {
  readonly arena: Arena;
  readonly flavour: KernelFlavour;
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly workers: readonly Worker[];
  readonly sizes: ScratchSizes;
  readonly patience: number;
}

/**
 * The threads that run the SIMD kernels, and the memory they share. One job runs at a time; the caller either blocks until
 * it is done (matrix products inside tfjs operations, which are synchronous) or awaits it (column loops, which are long).
 */
export class KernelPool {
  readonly arena: Arena;
  readonly threads: number;
  readonly flavour: KernelFlavour;
  readonly scratchSizes: ScratchSizes;
  readonly #parts: Parts;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #workers: readonly Worker[];
  readonly #started = Promise.withResolvers<undefined>();
  #ready = 0;
  #scratch = { pointer: 0, stride: 0 };
  /** The job that somebody awaits. */
  #awaitedJob: AwaitedJob | undefined;
  /** Once a thread has died, its part of a job stays undone: no further job can run. */
  #died: ClaqError | undefined;

  private constructor(parts: Parts) {
    this.arena = parts.arena;
    this.threads = parts.workers.length;
    this.flavour = parts.flavour;
    this.scratchSizes = parts.sizes;
    this.#parts = parts;
    this.#control = parts.control;
    this.#workers = parts.workers;
    for (const worker of this.#workers) {
      worker.on('message', (message: KernelMessage) => this.#hear(message));
      worker.on('error', (cause: unknown) => this.#end(threadStopped(cause)));
      worker.on('exit', () => this.#end(threadStopped()));
    }
  }

  /**
   * Starts the threads; resolves once all of them wait for jobs. Throws ClaqError engine/kernel-failed.
   * @param kernels those that come with the program where not given
   */
  static async start(options: KernelPoolOptions = {}, kernels?: KernelModule): Promise<KernelPool> {
    const { flavour, module } = kernels ?? (await loadKernelModule(options.flavour));
    const arena = new Arena();
    const control = new Int32Array(new SharedArrayBuffer(CONTROL.words * 4));
    const sizes = scratchSizes(new WebAssembly.Instance(module, { env: { memory: arena.memory } }));
    const workers = Array.from({ length: options.threads ?? availableParallelism() }, (_, thread) => {
      const workerData: KernelThreadData = { module, memory: arena.memory, control, thread };
      return new Worker(siblingModule(import.meta.url, './kernel-thread'), { workerData });
    });
    const patience = options.patience ?? PATIENCE_MS;
    const pool = new KernelPool({ arena, flavour, control, workers, sizes, patience });
    try {
      await pool.#started.promise;
    } catch (error) {
      await pool.stop();
      throw error;
    }
    for (const worker of workers) worker.unref();
    return pool;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  /**
   * Runs a tile function for every index below `count`; blocks the calling thread until all are done. Each tile must be
   * much shorter than the patience (blocked-wait.ts). Throws ClaqError engine/kernel-failed.
   */
  runTiles(name: TileFunction, args: number, count: number): void {
    this.#begin(tileJob(name, args, count), 0);
    if (!span('kernels', name, () => blockUntilDone(this.#control, this.#parts.patience))) {
      this.#died = threadStopped();
      throw this.#died;
    }
    // The threads' own words come as messages, which a blocked caller cannot receive.
    this.#checkFailed(name, undefined);
  }

  /** As runTiles, without blocking the event loop. */
  async runTilesAsync(name: TileFunction, args: number, count: number): Promise<void> {
    await span('kernels', name, () => this.#awaited(name, tileJob(name, args, count)));
  }

  /**
   * Runs block-column pipelines side by side.
   * @param args pointer to the arguments of each pipeline
   * @param blocks block columns of each pipeline
   */
  async runPipelines(
    name: PipelineFunction,
    args: readonly number[],
    blocks: readonly number[],
  ): Promise<void> {
    const mark = this.arena.mark();
    try {
      const words = scheduleWords(blocks);
      const schedule = this.arena.allocate(words * 4);
      PipelineSchedule.start(this.arena.ints(schedule, words), blocks);
      const job: Job = {
        kind: JOB_PIPELINES,
        function: PIPELINE_FUNCTIONS.findIndex((pipeline) => pipeline.name === name),
        arguments: this.arena.words(args),
        count: words,
        next: schedule,
      };
      await span('kernels', name, () => this.#awaited(name, job));
    } finally {
      this.arena.release(mark);
    }
  }

  /** Gives every thread scratch space for columns of `rows` rows; it lives as long as the caller's mark of the arena. */
  allocateScratch(rows: number): void {
    this.allocateScratchBytes(this.scratchSizes.scratchBytes(rows));
  }

  /** Gives every thread `bytes` of scratch space; it lives as long as the caller's mark of the arena. */
  allocateScratchBytes(bytes: number): void {
    const stride = Math.ceil(bytes / 64) * 64;
    this.#scratch = { pointer: this.arena.allocate(stride * this.threads), stride };
  }

  /** Describes the job to the threads and wakes them; returns its generation. Nothing is written while another runs. */
  #begin(job: Job, message: 0 | 1): number {
    const control = this.#control;
    if (this.#died !== undefined) throw this.#died;
    if (Atomics.load(control, CONTROL.running) !== 0)
      throw new Error('the kernel threads are busy with another job');
    control[CONTROL.kind] = job.kind;
    control[CONTROL.function] = job.function;
    control[CONTROL.arguments] = job.arguments;
    control[CONTROL.count] = job.count;
    control[CONTROL.next] = job.next;
    control[CONTROL.message] = message;
    control[CONTROL.scratch] = this.#scratch.pointer;
    control[CONTROL.scratchStride] = this.#scratch.stride;
    Atomics.store(control, CONTROL.running, this.threads);
    const generation = Atomics.add(control, CONTROL.generation, 1) + 1;
    Atomics.notify(control, CONTROL.generation);
    return generation;
  }

  /** Begins a job and waits for the message of the thread that finishes last. */
  async #awaited(name: string, described: Job): Promise<void> {
    const generation = this.#begin(described, 1);
    const end = Promise.withResolvers<undefined>();
    const job: AwaitedJob = { generation, end, done: false, failure: undefined };
    this.#awaitedJob = job;
    // The threads do not keep the process alive, except while somebody waits for them.
    for (const worker of this.#workers) worker.ref();
    try {
      await end.promise;
    } finally {
      for (const worker of this.#workers) worker.unref();
      this.#awaitedJob = undefined;
    }
    this.#checkFailed(name, job.failure);
  }

  #hear(message: KernelMessage): void {
    if (message.kind === 'ready') {
      this.#ready += 1;
      if (this.#ready === this.threads) this.#started.resolve(undefined);
      return;
    }
    const job = this.#awaitedJob;
    // What an earlier, blocked caller's job failed of arrives late and is nobody's any more.
    if (job?.generation !== message.job) return;
    if (message.kind === 'done') job.done = true;
    else job.failure = message.text;
    // A thread that fails always says why, but perhaps after another has said that the job is done.
    const failed = Atomics.load(this.#control, CONTROL.failed) !== 0;
    if (job.done && (!failed || job.failure !== undefined)) job.end.resolve(undefined);
  }

  /** A thread has stopped, and with it the pool. */
  #end(error: ClaqError): void {
    this.#died ??= error;
    this.#started.reject(this.#died);
    this.#awaitedJob?.end.reject(this.#died);
  }

  #checkFailed(name: string, failure: string | undefined): void {
    if (Atomics.exchange(this.#control, CONTROL.failed, 0) === 0) return;
    throw new ClaqError('engine/kernel-failed', `The kernel ${name} failed`, {
      ...(failure === undefined ? {} : { found: failure }),
      remedy: REMEDY,
    });
  }
}

const REMEDY = 'this is a fault of the program: please report it with the command that led to it';

function threadStopped(cause?: unknown): ClaqError {
  return new ClaqError('engine/kernel-failed', 'A kernel thread stopped', {
    ...(cause instanceof Error ? { found: cause.message, cause } : {}),
    remedy: REMEDY,
  });
}

function tileJob(name: TileFunction, args: number, count: number): Job {
  return { kind: JOB_TILES, function: TILE_FUNCTIONS.indexOf(name), arguments: args, count, next: 0 };
}
