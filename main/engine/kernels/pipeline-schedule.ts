/**
 * The order of work on matrices that are processed block column by block column: a `step` finishes a block, an `update`
 * applies a finished block to one behind it. Any thread takes any task whose turn has come, steps first (they are what
 * everything waits for), then the update nearest to the next step.
 *
 * Each block receives its updates one at a time and in order, so the result does not depend on who did what when.
 * The state is plain integers in shared memory; every access happens under its lock.
 */

const LOCK = 0;
/** Counts changes: what a thread without work waits for. */
const VERSION = 1;
const PIPELINES = 2;
/** 1 once something has failed: nothing is given out any more. */
const ABANDONED = 3;
const FIRST_PIPELINE = 4;

// Words of one pipeline, before its blocks' pairs of words.
const BLOCKS = 0;
const FINISHED = 1;
const STEPPING = 2;
const PIPELINE_WORDS = 3;

export type PipelineTask =
  | { readonly kind: 'step'; readonly pipeline: number; readonly block: number }
  | { readonly kind: 'update'; readonly pipeline: number; readonly source: number; readonly target: number }
  | { readonly kind: 'wait'; readonly version: number }
  | { readonly kind: 'done' };

export function scheduleWords(blocks: readonly number[]): number {
  return FIRST_PIPELINE + blocks.reduce((sum, count) => sum + PIPELINE_WORDS + 2 * count, 0);
}

export class PipelineSchedule {
  readonly #state: Int32Array<SharedArrayBuffer>;

  constructor(state: Int32Array<SharedArrayBuffer>) {
    this.#state = state;
  }

  /** @param blocks number of block columns of each pipeline */
  static start(state: Int32Array<SharedArrayBuffer>, blocks: readonly number[]): PipelineSchedule {
    state.fill(0);
    state[PIPELINES] = blocks.length;
    let at = FIRST_PIPELINE;
    for (const count of blocks) {
      state[at + BLOCKS] = count;
      at += PIPELINE_WORDS + 2 * count;
    }
    return new PipelineSchedule(state);
  }

  /** The next task, marked as taken; or what to wait for; or that all is done. */
  claim(): PipelineTask {
    this.#lock();
    try {
      return this.#choose();
    } finally {
      this.#unlock();
    }
  }

  finish(task: PipelineTask): void {
    if (task.kind !== 'step' && task.kind !== 'update') return;
    this.#lock();
    const at = this.#pipelineAt(task.pipeline);
    if (task.kind === 'step') {
      this.#state[at + FINISHED] = task.block + 1;
      this.#state[at + STEPPING] = 0;
    } else {
      const block = at + PIPELINE_WORDS + 2 * task.target;
      this.#state[block] = task.source + 1;
      this.#state[block + 1] = 0;
    }
    this.#unlock();
    Atomics.add(this.#state, VERSION, 1);
    Atomics.notify(this.#state, VERSION);
  }

  /** Blocks the thread until some task has been finished since `version` was read. */
  waitForChange(version: number): void {
    Atomics.wait(this.#state, VERSION, version);
  }

  /** Gives out no more work, so that threads without any go home: something has failed. */
  abandon(): void {
    this.#lock();
    this.#state[ABANDONED] = 1;
    this.#unlock();
    Atomics.add(this.#state, VERSION, 1);
    Atomics.notify(this.#state, VERSION);
  }

  #choose(): PipelineTask {
    if (this.#word(ABANDONED) === 1) return { kind: 'done' };
    const version = Atomics.load(this.#state, VERSION);
    let update: PipelineTask | undefined;
    let open = false;
    let at = FIRST_PIPELINE;
    for (let pipeline = 0; pipeline < this.#word(PIPELINES); pipeline++) {
      const blocks = this.#word(at + BLOCKS);
      const finished = this.#word(at + FINISHED);
      const first = at + PIPELINE_WORDS;
      if (finished < blocks) {
        open = true;
        if (this.#word(at + STEPPING) === 0 && this.#word(first + 2 * finished) === finished) {
          this.#state[at + STEPPING] = 1;
          return { kind: 'step', pipeline, block: finished };
        }
        for (let target = finished; target < blocks && update === undefined; target++) {
          const source = this.#word(first + 2 * target);
          if (source < finished && this.#word(first + 2 * target + 1) === 0) {
            update = { kind: 'update', pipeline, source, target };
          }
        }
      }
      at = first + 2 * blocks;
    }
    if (update?.kind === 'update') {
      this.#state[this.#pipelineAt(update.pipeline) + PIPELINE_WORDS + 2 * update.target + 1] = 1;
      return update;
    }
    return open ? { kind: 'wait', version } : { kind: 'done' };
  }

  #pipelineAt(pipeline: number): number {
    let at = FIRST_PIPELINE;
    for (let p = 0; p < pipeline; p++) at += PIPELINE_WORDS + 2 * this.#word(at + BLOCKS);
    return at;
  }

  #word(at: number): number {
    return this.#state[at] ?? 0;
  }

  #lock(): void {
    while (Atomics.compareExchange(this.#state, LOCK, 0, 1) !== 0);
  }

  #unlock(): void {
    Atomics.store(this.#state, LOCK, 0);
  }
}
