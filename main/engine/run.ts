/** The story of quantizing a model, block by block. Everything below it is a chapter of its own. */
import { matrixName, matrixShape } from '../../shared/model.ts';
import type { OnProgress } from '../../shared/progress.ts';
import { type GroupStage, groupStages } from './calibration-pass.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import { accumulateHessian } from './claq/accumulate-hessian.ts';
import { Hessian } from './claq/hessian.ts';
import { dequantize } from './claq/quantized-matrix.ts';
import { type GroupResult, type MethodSettings, quantizeGroup } from './claq/quantize-group.ts';
import { PerplexityEvaluation, type Perplexity } from './evaluate/perplexity.ts';
import type { KernelPool } from './kernels/kernel-pool.ts';
import { RunProgress } from './run-progress.ts';
import { BlockWeights, type ReplaceMatrix } from './transformer/block-weights.ts';
import { embedSegments } from './transformer/embedding.ts';
import type { HiddenStates } from './transformer/hidden-states.ts';
import { span } from './trace.ts';
import { Positions } from './transformer/positions.ts';
import { forEachSegment, throwIfCancelled } from './transformer/segment-loop.ts';

export interface QuantizationRun {
  readonly checkpoint: Checkpoint;
  readonly pool: KernelPool;
  /** Calibration segments, token ids. */
  readonly segments: readonly Int32Array[];
  readonly settings: MethodSettings;
  /** Windows on which the quantized model is evaluated as it comes about; none for no evaluation. */
  readonly windows: readonly Int32Array[];
  /** Receives every matrix as soon as it is quantized, in the order of computation. */
  readonly onMatrix: (result: GroupResult & { readonly block: number }) => Promise<void>;
  /**
   * The quantized matrices of a block that an earlier run with the same settings has finished: all segments go through
   * them, nothing is quantized, and the result is that of one run to the last bit. Undefined for a block to quantize.
   */
  readonly finished?: ((block: number) => Promise<ReplaceMatrix | undefined>) | undefined;
  /** After each block, with the time that the run has taken up to then. */
  readonly onBlock?: ((timing: Readonly<RunTiming>) => Promise<void>) | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Seconds spent in each part of a run. */
export interface RunTiming {
  forward: number;
  hessian: number;
  quantize: number;
  evaluate: number;
}

export interface RunOutcome {
  /** Of the quantized model; undefined without evaluation windows. */
  readonly perplexity: Perplexity | undefined;
  readonly timing: Readonly<RunTiming>;
}

/**
 * Quantizes all blocks. Each group of matrices is calibrated on inputs that the groups before it, already quantized, have
 * produced (true-sequential). One block's weights are in memory at a time. Needs a started backend.
 * Throws ClaqError run/cancelled and what the chapters throw.
 */
export async function quantizeModel(run: QuantizationRun): Promise<RunOutcome> {
  const { checkpoint, segments, windows, signal } = run;
  const { model } = checkpoint;
  const timing: RunTiming = { forward: 0, hessian: 0, quantize: 0, evaluate: 0 };
  const hidden = await embedSegments(checkpoint, segments);
  const progress = new RunProgress({ blocks: model.blocks, segments, windows }, run.onProgress);
  const evaluation =
    windows.length === 0
      ? undefined
      : await PerplexityEvaluation.start(checkpoint, windows, {
          signal,
          onProgress: (evaluated) => progress.evaluated(evaluated),
        });
  const positions = new Positions(model);
  try {
    for (let block = 0; block < model.blocks; block++) {
      throwIfCancelled(signal);
      const finished = await run.finished?.(block);
      const weights = await BlockWeights.load(checkpoint, block, finished);
      try {
        for (const stage of groupStages(model, positions, hidden, weights)) {
          const at = { block, finished: finished !== undefined, stage, hidden, weights, progress, timing };
          if (!at.finished) await quantizeStage(run, at);
          await moveOn(run, at);
        }
        await run.onBlock?.({ ...timing });
        await timed(timing, 'evaluate', async () => evaluation?.advance(weights));
      } finally {
        weights.dispose();
      }
    }
    const perplexity = await timed(timing, 'evaluate', async () => evaluation?.score());
    return { perplexity, timing };
  } finally {
    positions.dispose();
    evaluation?.dispose();
  }
}

interface StageOfBlock {
  readonly block: number;
  /** By an earlier run. */
  readonly finished: boolean;
  readonly stage: GroupStage;
  readonly hidden: HiddenStates;
  readonly weights: BlockWeights;
  readonly progress: RunProgress;
  readonly timing: RunTiming;
}

/** One group: Hessian of its inputs, columns, results out, quantized weights in. */
async function quantizeStage(run: QuantizationRun, at: StageOfBlock): Promise<void> {
  const { checkpoint, pool, settings, signal } = run;
  const { block, stage, hidden, weights, progress, timing } = at;
  const { columns } = matrixShape(checkpoint.model, stage.group[0]);
  const mark = pool.arena.mark();
  try {
    const hessian = new Hessian(pool, columns);
    progress.begin(block, `Hessian of ${stage.group.join(', ')}`);
    await timed(timing, 'hessian', () =>
      accumulateHessian(hessian, {
        segments: hidden.segments,
        input: (segment) => stage.input(segment),
        onSegment: (segment) => progress.segmentDone(hidden.length(segment), 1),
        signal,
      }),
    );
    progress.begin(block, `quantizing ${stage.group.join(', ')}`);
    const matrices = stage.group.map((kind) => ({
      kind,
      name: matrixName(block, kind),
      rows: matrixShape(checkpoint.model, kind).rows,
      weights: weights.linear(kind).weight.dataSync<'float32'>(),
    }));
    const results = await timed(timing, 'quantize', () =>
      quantizeGroup(pool, hessian, matrices, settings, signal),
    );
    for (const result of results) {
      await run.onMatrix({ ...result, block });
      weights.replace(result.kind, dequantize(result.matrix));
    }
  } finally {
    pool.arena.release(mark);
  }
}

/** All segments through a group's quantized weights. */
async function moveOn({ signal }: QuantizationRun, at: StageOfBlock): Promise<void> {
  const { block, finished, stage, hidden, progress, timing } = at;
  progress.begin(block, `${finished ? 'finished before, ' : ''}through ${stage.group.join(', ')}`);
  await timed(timing, 'forward', () =>
    forEachSegment(hidden.segments, signal, (segment) => {
      span('tensors', `through ${stage.group.join(', ')}`, () => stage.advance(segment));
      progress.segmentDone(hidden.length(segment), finished ? 2 : 1);
    }),
  );
}

async function timed<T>(timing: RunTiming, part: keyof RunTiming, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await span('run', part, work);
  } finally {
    timing[part] += (performance.now() - start) / 1000;
  }
}
