import { describe, expect, it } from 'vitest';
import {
  PipelineSchedule,
  type PipelineTask,
  scheduleWords,
} from '../../../main/engine/kernels/pipeline-schedule.ts';
import { Random } from '../../oracle/random.ts';

type Work = Extract<PipelineTask, { kind: 'step' | 'update' }>;

function start(blocks: readonly number[]): PipelineSchedule {
  const words = scheduleWords(blocks);
  return PipelineSchedule.start(new Int32Array(new SharedArrayBuffer(words * 4)), blocks);
}

/** Checks every task against the rules as it is taken and given back. */
class Referee {
  readonly #blocks: readonly number[];
  /** Of each pipeline: blocks stepped, and the updates that each block has received. */
  readonly #stepped: number[];
  readonly #received: number[][];
  readonly #busy = new Set<string>();

  constructor(blocks: readonly number[]) {
    this.#blocks = blocks;
    this.#stepped = blocks.map(() => 0);
    this.#received = blocks.map((count) => new Array<number>(count).fill(0));
  }

  take(task: Work): void {
    const target = task.kind === 'step' ? task.block : task.target;
    const received = this.#received[task.pipeline]?.[target];
    const stepped = this.#stepped[task.pipeline] ?? NaN;
    // Nobody else works on the block.
    expect(this.#busy.has(`${task.pipeline},${target}`)).toBe(false);
    this.#busy.add(`${task.pipeline},${target}`);
    if (task.kind === 'step') {
      expect([stepped, received]).toEqual([task.block, task.block]);
    } else {
      expect(received).toBe(task.source);
      expect(task.source).toBeLessThan(stepped);
      expect(task.target).toBeGreaterThan(task.source);
    }
  }

  giveBack(task: Work): void {
    const target = task.kind === 'step' ? task.block : task.target;
    this.#busy.delete(`${task.pipeline},${target}`);
    if (task.kind === 'step') this.#stepped[task.pipeline] = task.block + 1;
    else (this.#received[task.pipeline] ?? [])[target] = task.source + 1;
  }

  expectComplete(): void {
    expect(this.#stepped).toEqual(this.#blocks);
    expect(this.#received).toEqual(this.#blocks.map((count) => Array.from({ length: count }, (_, i) => i)));
  }
}

/** Claims and finishes in random order, with at most `threads` tasks at a time, until all is done. */
function simulate(random: Random, blocks: readonly number[], threads: number): number {
  const schedule = start(blocks);
  const referee = new Referee(blocks);
  const open: Work[] = [];
  let tasks = 0;
  for (;;) {
    if (open.length < threads && (open.length === 0 || random.uniform() < 0.6)) {
      const task = schedule.claim();
      if (task.kind === 'step' || task.kind === 'update') {
        referee.take(task);
        open.push(task);
        tasks += 1;
        continue;
      }
      if (task.kind === 'done' && open.length === 0) break;
      // Whoever has nothing to do waits for somebody who has.
      expect(open.length).toBeGreaterThan(0);
    }
    const [finished] = open.splice(random.between(0, open.length - 1), 1);
    if (finished === undefined) throw new Error('nothing to finish');
    referee.giveBack(finished);
    schedule.finish(finished);
  }
  referee.expectComplete();
  return tasks;
}

describe('PipelineSchedule', () => {
  it.each([[[1]], [[2]], [[5]], [[3, 3]], [[4, 1, 6]], [[0, 2]], [[]]])(
    'blocks %j: every step and update once, in order, in any order of finishing',
    (blocks) => {
      const random = new Random(41);
      const expected = blocks.reduce((sum, count) => sum + (count * (count + 1)) / 2, 0);
      for (const threads of [1, 2, 3, 8]) {
        for (let round = 0; round < 8; round++) expect(simulate(random, blocks, threads)).toBe(expected);
      }
    },
  );

  it('takes a step as soon as it can, then the update nearest to the next step', () => {
    const schedule = start([3]);
    const first = schedule.claim();
    expect(first).toEqual({ kind: 'step', pipeline: 0, block: 0 });
    expect(schedule.claim().kind).toBe('wait');
    schedule.finish(first);
    const near = schedule.claim();
    expect(near).toEqual({ kind: 'update', pipeline: 0, source: 0, target: 1 });
    expect(schedule.claim()).toEqual({ kind: 'update', pipeline: 0, source: 0, target: 2 });
    expect(schedule.claim().kind).toBe('wait');
    schedule.finish(near);
    expect(schedule.claim()).toEqual({ kind: 'step', pipeline: 0, block: 1 });
  });

  it('does not let a thread wait for what has happened since it looked', () => {
    const schedule = start([2]);
    const step = schedule.claim();
    const wait = schedule.claim();
    if (wait.kind !== 'wait') throw new Error('expected to wait');
    schedule.finish(step);
    schedule.waitForChange(wait.version);
    expect(schedule.claim().kind).toBe('update');
  });

  it('sends everybody home when it is abandoned', () => {
    const schedule = start([3, 2]);
    schedule.claim();
    schedule.claim();
    const wait = schedule.claim();
    if (wait.kind !== 'wait') throw new Error('expected to wait');
    schedule.abandon();
    schedule.waitForChange(wait.version);
    expect(schedule.claim()).toEqual({ kind: 'done' });
  });

  it('stays abandoned when others finish what they had begun', () => {
    const schedule = start([4, 4]);
    const failing = schedule.claim();
    const other = schedule.claim();
    expect([failing.kind, other.kind]).toEqual(['step', 'step']);
    schedule.abandon();
    schedule.finish(other);
    expect(schedule.claim()).toEqual({ kind: 'done' });
  });
});
