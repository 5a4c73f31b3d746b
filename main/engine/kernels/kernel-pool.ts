import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ClaqError } from '../../../shared/errors.ts';
import { Arena } from './arena.ts';
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
import { type KernelFlavour, loadKernelModule } from './kernel-module.ts';
import { PipelineSchedule, scheduleWords } from './pipeline-schedule.ts';

export interface KernelPoolOptions {
  /** Kernel threads; the machine's cores where not given. The results do not depend on it. */
  readonly threads?: number;
  readonly flavour?: KernelFlavour;
}

/**
 * The threads that run the SIMD kernels, and the memory they share. One job runs at a time; the caller either blocks until
 * it is done (matrix products inside tfjs operations, which are synchronous) or awaits it (column loops, which are long).
 */
export class KernelPool {
  readonly arena: Arena;
  readonly threads: number;
  readonly flavour: KernelFlavour;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #workers: readonly Worker[];
  readonly #scratchBytes: (rows: number) => number;
  #scratch = { pointer: 0, stride: 0 };
  /** The job that somebody awaits. */
  #job: PromiseWithResolvers<undefined> | undefined;
  /** Why the last failing thread failed; known to be complete only after an awaited job. */
  #failure: string | undefined;
  #died: ClaqError | undefined;

  private constructor(
    arena: Arena,
    flavour: KernelFlavour,
    control: Int32Array<SharedArrayBuffer>,
    workers: readonly Worker[],
    scratchBytes: (rows: number) => number,
  ) {
    this.arena = arena;
    this.threads = workers.length;
    this.flavour = flavour;
    this.#control = control;
    this.#workers = workers;
    this.#scratchBytes = scratchBytes;
    for (const worker of workers) {
      worker.on('message', (message: KernelMessage) => {
        if ('done' in message) this.#job?.resolve(undefined);
        else this.#failure = message.failure;
      });
      worker.on('error', (cause) => {
        this.#died = new ClaqError('engine/kernel-failed', 'A kernel thread stopped', { cause });
        this.#job?.reject(this.#died);
      });
    }
  }

  static async start(options: KernelPoolOptions = {}): Promise<KernelPool> {
    const threads = options.threads ?? availableParallelism();
    const { flavour, module } = await loadKernelModule(options.flavour);
    const arena = new Arena();
    const control = new Int32Array(new SharedArrayBuffer(CONTROL.words * 4));
    const scratchBytes = new WebAssembly.Instance(module, { env: { memory: arena.memory } }).exports[
      'scratchBytes'
    ];
    if (!isSizeFunction(scratchBytes)) throw new TypeError('the kernels have no scratchBytes');
    const workers = Array.from({ length: threads }, (_, thread) => {
      const workerData: KernelThreadData = { module, memory: arena.memory, control, thread };
      return new Worker(new URL('./kernel-thread.ts', import.meta.url), { workerData });
    });
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('online', resolve))));
    for (const worker of workers) worker.unref();
    return new KernelPool(arena, flavour, control, workers, scratchBytes);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  /** Runs a tile function for every index below `count`; blocks the calling thread until all are done. */
  runTiles(name: TileFunction, args: number, count: number): void {
    this.#beginTiles(name, args, count, 0);
    for (;;) {
      const running = Atomics.load(this.#control, CONTROL.running);
      if (running === 0) break;
      Atomics.wait(this.#control, CONTROL.running, running);
    }
    this.#checkFailed(name);
  }

  /** As runTiles, without blocking the event loop. */
  async runTilesAsync(name: TileFunction, args: number, count: number): Promise<void> {
    await this.#awaited(name, () => this.#beginTiles(name, args, count, 1));
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
      const control = this.#control;
      control[CONTROL.kind] = JOB_PIPELINES;
      control[CONTROL.function] = PIPELINE_FUNCTIONS.findIndex((pipeline) => pipeline.name === name);
      control[CONTROL.arguments] = this.arena.words(args);
      control[CONTROL.count] = words;
      control[CONTROL.next] = schedule;
      await this.#awaited(name, () => this.#begin(1));
    } finally {
      this.arena.release(mark);
    }
  }

  /** Gives every thread scratch space for columns of `rows` rows; it lives as long as the caller's mark of the arena. */
  allocateScratch(rows: number): void {
    const stride = Math.ceil(this.#scratchBytes(rows) / 64) * 64;
    this.#scratch = { pointer: this.arena.allocate(stride * this.threads), stride };
  }

  #beginTiles(name: TileFunction, args: number, count: number, message: 0 | 1): void {
    const control = this.#control;
    control[CONTROL.kind] = JOB_TILES;
    control[CONTROL.function] = TILE_FUNCTIONS.indexOf(name);
    control[CONTROL.arguments] = args;
    control[CONTROL.count] = count;
    control[CONTROL.next] = 0;
    this.#begin(message);
  }

  #begin(message: 0 | 1): void {
    const control = this.#control;
    // A thread that died has left its job unfinished for good: not a matter of being busy.
    if (this.#died !== undefined) throw this.#died;
    if (Atomics.load(control, CONTROL.running) !== 0)
      throw new Error('the kernel threads are busy with another job');
    this.#failure = undefined;
    control[CONTROL.message] = message;
    control[CONTROL.scratch] = this.#scratch.pointer;
    control[CONTROL.scratchStride] = this.#scratch.stride;
    Atomics.store(control, CONTROL.running, this.threads);
    Atomics.add(control, CONTROL.generation, 1);
    Atomics.notify(control, CONTROL.generation);
  }

  /** Begins a job and waits for the message of the thread that finishes last. */
  async #awaited(name: string, begin: () => void): Promise<void> {
    const job = Promise.withResolvers<undefined>();
    this.#job = job;
    // The threads do not keep the process alive, except while somebody waits for them.
    for (const worker of this.#workers) worker.ref();
    try {
      begin();
      await job.promise;
    } finally {
      for (const worker of this.#workers) worker.unref();
      this.#job = undefined;
    }
    this.#checkFailed(name);
  }

  #checkFailed(name: string): void {
    if (Atomics.exchange(this.#control, CONTROL.failed, 0) === 0) return;
    throw new ClaqError('engine/kernel-failed', `The kernel ${name} failed`, {
      ...(this.#failure === undefined ? {} : { found: this.#failure }),
      remedy: 'this is a fault of the program: please report it with the command that led to it',
    });
  }
}

function isSizeFunction(value: unknown): value is (rows: number) => number {
  return typeof value === 'function';
}
