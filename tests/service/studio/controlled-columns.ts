/** Walks over columns that do what a test tells them to. */
import type { ThreadHooks } from '../../../main/service/engine-thread/run-in-thread.ts';
import type { MatrixAt } from '../../../main/engine/inspect/stored-matrix.ts';
import type { ColumnTask, ColumnTaskSummary } from '../../../main/service/statistics/column-tasks.ts';
import type { ColumnTaskRunner } from '../../../main/service/studio/statistics.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { type ModelDescription, matrixShape } from '../../../shared/model.ts';
import { fakeErrors, fakeStatistics } from '../../renderer/fake-columns.ts';

export class ControlledWalk {
  readonly task: 'measure' | 'analyse';
  readonly request: ColumnTask;
  readonly #hooks: ThreadHooks;
  readonly #end = Promise.withResolvers<ColumnTaskSummary>();

  constructor(task: 'measure' | 'analyse', request: ColumnTask, hooks: ThreadHooks) {
    this.task = task;
    this.request = request;
    this.#hooks = hooks;
    const cancelled = (): void => this.#end.reject(new ClaqError('run/cancelled', 'Called off'));
    hooks.signal?.addEventListener('abort', cancelled, { once: true });
  }

  get ended(): Promise<ColumnTaskSummary> {
    return this.#end.promise;
  }

  /** Has found a matrix. */
  find(description: ModelDescription, place: MatrixAt): void {
    const matrix = { description, ...place };
    if (this.task === 'measure') this.#hooks.onStatistics?.(fakeStatistics(matrix));
    else {
      const { columns } = matrixShape(description, place.kind);
      this.#hooks.onAnalysis?.({ ...place, columns, errors: fakeErrors(matrix) });
    }
  }

  finish(): void {
    this.#end.resolve({ matrices: 0 });
  }

  fail(error: unknown): void {
    this.#end.reject(error);
  }
}

export class ControlledColumns {
  readonly #walks: ControlledWalk[] = [];
  #begun = Promise.withResolvers<undefined>();

  readonly run: ColumnTaskRunner = (task, request, hooks) => {
    const walk = new ControlledWalk(task, request, hooks);
    this.#walks.push(walk);
    this.#begun.resolve(undefined);
    this.#begun = Promise.withResolvers();
    return walk.ended;
  };

  get count(): number {
    return this.#walks.length;
  }

  /** The walk of this number, from 0 on, once it has begun. */
  async walk(number: number): Promise<ControlledWalk> {
    for (;;) {
      const walk = this.#walks[number];
      if (walk !== undefined) return walk;
      await this.#begun.promise;
    }
  }
}
