import { MATRIX_GROUPS } from '../../shared/model.ts';
import type { OnProgress, Progress } from '../../shared/progress.ts';

/** What a run has to do. */
export interface RunWork {
  readonly blocks: number;
  /** Of them, those that are quantized. */
  readonly quantizedBlocks: number;
  /** Times that a group passes over all segments: for its Hessian and to move on, and for the original model's part. */
  readonly passesPerGroup: number;
  readonly segments: readonly Int32Array[];
  readonly windows: readonly Int32Array[];
}

/** Progress in tokens taken through whole blocks: of the calibration, and of the evaluation, whose head counts as a block. */
export class RunProgress {
  readonly #blocks: number;
  readonly #passesPerGroup: number;
  readonly #total: number;
  readonly #onProgress: OnProgress | undefined;
  /** Calibration tokens of all passes. */
  #passed = 0;
  /** Evaluation tokens through whole blocks. */
  #evaluated = 0;
  #detail = '';

  constructor(work: RunWork, onProgress: OnProgress | undefined) {
    const { blocks, quantizedBlocks, passesPerGroup, segments, windows } = work;
    this.#blocks = blocks;
    this.#passesPerGroup = passesPerGroup;
    this.#total = quantizedBlocks * tokensOf(segments) + (blocks + 1) * tokensOf(windows);
    this.#onProgress = onProgress;
  }

  begin(block: number, what: string): void {
    this.#detail = `block ${block + 1} of ${this.#blocks}, ${what}`;
    this.#report();
  }

  /** @param tokens that one pass of a group has taken on */
  passed(tokens: number): void {
    this.#passed += tokens;
    this.#report();
  }

  /** A group of a block that was finished before moves on at once: the same work, done faster. */
  passedAtOnce(tokens: number): void {
    this.passed(this.#passesPerGroup * tokens);
  }

  evaluated({ done, detail = '' }: Progress): void {
    this.#evaluated = done;
    this.#detail = `${detail}, evaluation`;
    this.#report();
  }

  #report(): void {
    this.#onProgress?.({
      phase: 'Quantizing',
      done: Math.round(this.#passed / (this.#passesPerGroup * MATRIX_GROUPS.length)) + this.#evaluated,
      total: this.#total,
      unit: 'tokens',
      detail: this.#detail,
    });
  }
}

function tokensOf(sequences: readonly Int32Array[]): number {
  return sequences.reduce((sum, ids) => sum + ids.length, 0);
}
