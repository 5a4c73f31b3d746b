/** The story of quantizing a model, block by block. Everything below it is a chapter of its own. */
import type { OnCalibration } from '../../shared/calibration.ts';
import { throwIfCancelled } from '../../shared/cancellation.ts';
import { hasUniformGrid } from '../../shared/method.ts';
import { matrixBudget } from '../../shared/model-budget.ts';
import { type MatrixKind, matrixName, matrixShape } from '../../shared/model.ts';
import { followsOriginal } from '../../shared/plus.ts';
import type { OnProgress } from '../../shared/progress.ts';
import { calibrationBytes, evaluationBytes, tokensOf } from './activation-bytes.ts';
import { type GroupStage, groupStages } from './calibration-pass.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import { accumulateHessian, emptyHessian } from './claq/accumulate-hessian.ts';
import type { DeviceHessian } from './claq/device-hessian.ts';
import { type Drift, disposeDrift } from './claq/drift.ts';
import type { FactoredColumns } from './claq/factored-columns.ts';
import type { Hessian } from './claq/hessian.ts';
import { plusSettings } from './claq/plus-settings.ts';
import { dequantize } from './claq/quantized-matrix.ts';
import {
  type GroupMatrix,
  type GroupResult,
  type MethodSettings,
  quantizeGroup,
} from './claq/quantize-group.ts';
import { PerplexityEvaluation } from './evaluate/perplexity.ts';
import type { Perplexity } from './evaluate/window-perplexity.ts';
import type { KernelPool } from './kernels/kernel-pool.ts';
import { OriginalStream } from './original-stream.ts';
import { RunProgress } from './run-progress.ts';
import { tensorErrors } from './tensors/tensor-errors.ts';
import { span } from './trace.ts';
import { BatchSizes, shrinkNote } from './transformer/batch-sizes.ts';
import { BlockWeights, type ReplaceMatrix } from './transformer/block-weights.ts';
import { DeviceRoom } from './transformer/device-room.ts';
import { embedSegments } from './transformer/embedding.ts';
import type { HiddenStates } from './transformer/hidden-states.ts';
import { HostMemory } from './transformer/host-memory.ts';
import { Positions } from './transformer/positions.ts';
import { forEachSegment } from './transformer/segment-loop.ts';

export interface QuantizationRun {
  readonly checkpoint: Checkpoint;
  readonly pool: KernelPool;
  /** Calibration segments, token ids. */
  readonly segments: readonly Int32Array[];
  readonly settings: MethodSettings;
  /** Windows on which the quantized model is evaluated as it comes about; none for no evaluation. */
  readonly windows: readonly Int32Array[];
  /** Where that has been decided for the whole model beforehand: what a matrix's columns get, and what its rows weigh. */
  readonly plan?: ((block: number, kind: MatrixKind) => Pick<GroupMatrix, 'plan' | 'rowWeights'>) | undefined;
  /** Quantizes the first blocks alone; the others stay the original model's, and the windows go through them all the same. */
  readonly firstBlocks?: number | undefined;
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
  /** What a group's calibration says of its columns, where the method goes by it. */
  readonly onCalibration?: OnCalibration | undefined;
  /** What is worth a line for people: memory that is short. */
  readonly onNote?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Host memory for the activations of all segments and windows, and the folder for what does not fit. */
  readonly memory?: HostMemory | undefined;
  /** Bytes of a device's own memory in which the activations of the calibration may stay; none where not given. */
  readonly deviceActivations?: number | undefined;
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
 * produced (true-sequential). One block's weights are in memory at a time; activations beyond the host memory's budget are on
 * the disk, and where the backend's memory runs out, the work goes on in smaller batches. Needs a started backend.
 * Throws ClaqError run/cancelled and what the chapters throw.
 */
export async function quantizeModel(run: QuantizationRun): Promise<RunOutcome> {
  return await tensorErrors(() => quantizeBlocks(run));
}

/** What to tell where activations were to stay on the device and cannot. */
const CLEARED_NOTE = 'Device memory is short: activations go through host memory from here on';

async function quantizeBlocks(run: QuantizationRun): Promise<RunOutcome> {
  const { checkpoint, segments, windows, signal, onNote, memory = new HostMemory() } = run;
  const { model } = checkpoint;
  const timing: RunTiming = { forward: 0, hessian: 0, quantize: 0, evaluate: 0 };
  const { plus } = run.settings;
  const follows = plus !== undefined && followsOriginal(plus);
  const { blocks } = model;
  const quantizedBlocks = run.firstBlocks ?? blocks;
  const progress = new RunProgress(
    { blocks, quantizedBlocks, passesPerGroup: follows ? 4 : 2, segments, windows },
    run.onProgress,
  );
  const streams = follows ? 2 : 1;
  const activations =
    streams * calibrationBytes(model, tokensOf(segments)) + evaluationBytes(model, tokensOf(windows));
  memory.tellOfSpill(activations, onNote);
  const longest = [...segments, ...windows].reduce((most, { length }) => Math.max(most, length), 1);
  const room = new DeviceRoom(run.deviceActivations, () => onNote?.(CLEARED_NOTE));
  const sizes = new BatchSizes(longest, () => onNote?.(shrinkNote(sizes)), room);
  const positions = new Positions(model, sizes);
  let hidden: HiddenStates | undefined;
  let original: OriginalStream | undefined;
  let evaluation: PerplexityEvaluation | undefined;
  try {
    hidden = await embedSegments(checkpoint, segments, memory, room);
    if (follows) {
      const { strengths } = plusSettings(plus);
      original = await OriginalStream.start({ checkpoint, segments, memory, positions, strengths, signal });
    }
    if (windows.length > 0) {
      evaluation = await PerplexityEvaluation.start(checkpoint, windows, {
        signal,
        memory,
        sizes,
        onProgress: (evaluated) => progress.evaluated(evaluated),
      });
    }
    for (let block = 0; block < blocks; block++) {
      throwIfCancelled(signal);
      const finished = await run.finished?.(block);
      if (finished !== undefined) await original?.passBlock(block);
      const weights = await BlockWeights.load(checkpoint, block, finished);
      try {
        if (block < quantizedBlocks) {
          if (finished === undefined) original?.beginBlock(weights);
          for (const stage of groupStages(model, positions, hidden, weights)) {
            const isRead = block < quantizedBlocks - 1 || stage.group[0] !== 'down';
            const at = { block, stage, isRead, hidden, original, sizes, weights, progress, timing };
            if (finished === undefined) await quantizeStage(run, at);
            await moveOn(run, at, finished !== undefined);
          }
          original?.endBlock();
          await run.onBlock?.({ ...timing });
        }
        await timed(timing, 'evaluate', async () => evaluation?.advance(weights));
      } finally {
        weights.dispose();
      }
    }
    const perplexity = await timed(timing, 'evaluate', async () => evaluation?.score());
    return { perplexity, timing };
  } finally {
    positions.dispose();
    hidden?.dispose();
    original?.dispose();
    evaluation?.dispose();
  }
}

interface StageOfBlock {
  readonly block: number;
  readonly stage: GroupStage;
  /** Whether anything comes of what the group writes: nothing does behind the last one. */
  readonly isRead: boolean;
  readonly hidden: HiddenStates;
  /** The original model, where corrections need it. */
  readonly original: OriginalStream | undefined;
  readonly sizes: BatchSizes;
  readonly weights: BlockWeights;
  readonly progress: RunProgress;
  readonly timing: RunTiming;
}

/** One group: Hessian of its inputs, columns, results out, quantized weights in. */
async function quantizeStage(run: QuantizationRun, at: StageOfBlock): Promise<void> {
  const { checkpoint, pool, settings, signal } = run;
  const { block, stage, weights, progress, timing } = at;
  const mark = pool.arena.mark();
  let hessian: Hessian | DeviceHessian | undefined;
  let drift: Drift | undefined;
  try {
    progress.begin(block, `Hessian of ${stage.group.join(', ')}`);
    const calibrated = await timed(timing, 'hessian', () => calibrate(run, at));
    hessian = calibrated;
    drift = await followOriginal(at);
    progress.begin(block, `quantizing ${stage.group.join(', ')}`);
    const matrices = stage.group.map((kind) => ({
      kind,
      name: matrixName(block, kind),
      rows: matrixShape(checkpoint.model, kind).rows,
      weights: weights.linear(kind).weight.dataSync<'float32'>(),
      budget: matrixBudget(settings.budget, block, kind),
      ...run.plan?.(block, kind),
    }));
    const results = await timed(timing, 'quantize', () =>
      quantizeGroup(pool, calibrated, matrices, settings, {
        signal,
        drift,
        onFactored: (factor) => tellCalibration(run, block, stage.group[0], factor),
      }),
    );
    for (const result of results) {
      await span('run', 'save', () => run.onMatrix({ ...result, block }));
      weights.replace(result.kind, dequantize(result.matrix));
    }
  } finally {
    if (hessian?.home === 'device') hessian.dispose();
    if (drift !== undefined) disposeDrift(drift);
    pool.arena.release(mark);
  }
}

function tellCalibration(
  { settings, onCalibration }: QuantizationRun,
  block: number,
  kind: MatrixKind,
  { diagonal, sensitivity }: FactoredColumns,
): void {
  if (onCalibration === undefined || hasUniformGrid(settings.method)) return;
  onCalibration({
    block,
    kind,
    diagonal: Float32Array.from(diagonal),
    sensitivity: Float32Array.from(sensitivity),
  });
}

/** The Hessian of a group's inputs over all segments. */
async function calibrate(
  { checkpoint, pool, signal }: QuantizationRun,
  { stage, hidden, sizes, progress }: StageOfBlock,
): Promise<Hessian | DeviceHessian> {
  const { columns } = matrixShape(checkpoint.model, stage.group[0]);
  return await accumulateHessian(emptyHessian(pool, columns), {
    segments: hidden.segments,
    tokens: (segment) => hidden.length(segment),
    input: (segment, rows) => stage.input(segment, rows),
    sizes,
    onSegment: (segment) => progress.passed(hidden.length(segment)),
    signal,
  });
}

/** How far a group has drifted from the original model, which then goes through the group's weights as they were. */
async function followOriginal(at: StageOfBlock): Promise<Drift | undefined> {
  const { block, stage, isRead, hidden, original, weights, progress, timing } = at;
  if (original === undefined) return undefined;
  const passed = (segment: number): void => progress.passed(hidden.length(segment));
  original.nextGroup();
  progress.begin(block, `drift of ${stage.group.join(', ')}`);
  const drift = await timed(timing, 'hessian', () =>
    original.measureDrift({ block, stage, hidden, weights }, passed),
  );
  if (!isRead) {
    for (const length of hidden.lengths) progress.passed(length);
    return drift;
  }
  progress.begin(block, `the original through ${stage.group.join(', ')}`);
  try {
    await timed(timing, 'forward', () => original.advance(passed));
    return drift;
  } catch (error) {
    if (drift !== undefined) disposeDrift(drift);
    throw error;
  }
}

/** All segments through a group's quantized weights. @param finished whether an earlier run quantized them */
async function moveOn({ signal }: QuantizationRun, at: StageOfBlock, finished: boolean): Promise<void> {
  const { block, stage, isRead, hidden, sizes, progress, timing } = at;
  progress.begin(block, `${finished ? 'finished before, ' : ''}through ${stage.group.join(', ')}`);
  const advance = (segment: number): void => {
    if (isRead) span('tensors', `through ${stage.group.join(', ')}`, () => stage.advance(segment));
    if (finished) progress.passedAtOnce(hidden.length(segment));
    else progress.passed(hidden.length(segment));
  };
  await timed(timing, 'forward', () => forEachSegment(hidden.segments, signal, advance, sizes));
}

async function timed<T>(timing: RunTiming, part: keyof RunTiming, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await span('run', part, work);
  } finally {
    timing[part] += (performance.now() - start) / 1000;
  }
}
