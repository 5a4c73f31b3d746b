import { MATRIX_GROUPS } from '../../shared/model.ts';
import type { OnProgress, Progress } from '../../shared/progress.ts';

/** Each group passes over all segments twice, once for its Hessian and once to move on. */
const PASSES_PER_BLOCK = 2 * MATRIX_GROUPS.length;

/** What a run has to do. */
export interface RunWork {
  readonly blocks: number;
  readonly segments: readonly Int32Array[];
  readonly windows: readonly Int32Array[];
}

/** Progress in tokens taken through whole blocks: of the calibration, and of the evaluation, whose head counts as a block. */
export class RunProgress {
  readonly #blocks: number;
  readonly #total: number;
  readonly #onProgress: OnProgress | undefined;
  /** Calibration tokens of all passes. */
  #passed = 0;
  /** Evaluation tokens through whole blocks. */
  #evaluated = 0;
  #detail = '';

  constructor({ blocks, segments, windows }: RunWork, onProgress: OnProgress | undefined) {
    this.#blocks = blocks;
    this.#total = blocks * tokensOf(segments) + (blocks + 1) * tokensOf(windows);
    this.#onProgress = onProgress;
  }

  begin(block: number, what: string): void {
    this.#detail = `block ${block + 1} of ${this.#blocks}, ${what}`;
    this.#report();
  }

  /** @param passes 2 where a group moves on without a Hessian: a block that was finished before is the same work, done faster */
  segmentDone(tokens: number, passes: 1 | 2): void {
    this.#passed += passes * tokens;
    this.#report();
  }

  evaluated({ done, detail = '' }: Progress): void {
    this.#evaluated = done;
    this.#detail = `${detail}, evaluation`;
    this.#report();
  }

  #report(): void {
    this.#onProgress?.({
      phase: 'Quantizing',
      done: Math.round(this.#passed / PASSES_PER_BLOCK) + this.#evaluated,
      total: this.#total,
      unit: 'tokens',
      detail: this.#detail,
    });
  }
}

function tokensOf(sequences: readonly Int32Array[]): number {
  return sequences.reduce((sum, ids) => sum + ids.length, 0);
}
