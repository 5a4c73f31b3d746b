/**
 * The calibration text once through the original model, before anything is quantized: what an error in each column does to its
 * layer's output, and how large the error is at each width. What the allocation of CLAQ+ weighs (claq/allocation.ts).
 */
import { throwIfCancelled } from '../../shared/cancellation.ts';
import { type MatrixKind, type MatrixShape, matrixName, matrixShape } from '../../shared/model.ts';
import type { OnProgress } from '../../shared/progress.ts';
import { groupStages } from './calibration-pass.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import { accumulateHessian, emptyHessian } from './claq/accumulate-hessian.ts';
import type { FactorOptions } from './claq/damping.ts';
import { factorOnDevice } from './claq/device-factor.ts';
import { factorHessian } from './claq/factor.ts';
import { rowScales } from './claq/row-scales.ts';
import { scaledRowWeights } from './claq/row-sensitivity.ts';
import { type ColumnCandidates, type ColumnErrors, columnErrors } from './kernels/column-errors.ts';
import { copyMatrix } from './kernels/column-statistics.ts';
import type { KernelPool } from './kernels/kernel-pool.ts';
import { tensorErrors } from './tensors/tensor-errors.ts';
import { BatchSizes, type TokenRange } from './transformer/batch-sizes.ts';
import { BlockWeights } from './transformer/block-weights.ts';
import { embedSegments } from './transformer/embedding.ts';
import { HostMemory } from './transformer/host-memory.ts';
import { Positions } from './transformer/positions.ts';
import { forEachSegment } from './transformer/segment-loop.ts';

export interface SurveyOptions extends Pick<FactorOptions, 'percdamp' | 'actOrder'> {
  readonly checkpoint: Checkpoint;
  readonly pool: KernelPool;
  /** Calibration segments, token ids. */
  readonly segments: readonly Int32Array[];
  /** Whether codebooks are to be of rows divided by their scales. */
  readonly rowScales: boolean;
  /** What columns of so many rows may get. */
  readonly candidates: (rows: number) => ColumnCandidates;
  /** What a squared error in each row of a matrix weighs (claq/row-sensitivity.ts); all alike where there is none. */
  readonly rowWeights?: ((block: number, kind: MatrixKind) => Float32Array | undefined) | undefined;
  readonly memory?: HostMemory | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One matrix of the original model. */
export interface SurveyedMatrix extends MatrixShape {
  readonly block: number;
  readonly kind: MatrixKind;
  /** Squared errors of its columns' codebooks, on the original weights. */
  readonly errors: ColumnErrors;
  /** What a squared error in a column does to the layer's output: D of H = U D U^T, by column; 0 for dead ones. */
  readonly sensitivity: Float64Array;
}

/**
 * Surveys all matrices, block by block, in the order of the blocks' groups. Needs a started backend.
 * Throws ClaqError run/cancelled, hessian/not-finite, hessian/not-positive-definite and what the chapters throw.
 */
export async function surveyModel(options: SurveyOptions): Promise<SurveyedMatrix[]> {
  return await tensorErrors(() => surveyBlocks(options));
}

async function surveyBlocks(options: SurveyOptions): Promise<SurveyedMatrix[]> {
  const { checkpoint, segments, signal, onProgress, memory = new HostMemory() } = options;
  const { model } = checkpoint;
  const report = (done: number, detail?: string): void =>
    onProgress?.({ phase: 'Surveying columns', done, total: model.blocks, unit: 'steps', detail });
  const surveyed: SurveyedMatrix[] = [];
  const sizes = new BatchSizes(segments.reduce((most, { length }) => Math.max(most, length), 1));
  const positions = new Positions(model, sizes);
  const hidden = await embedSegments(checkpoint, segments, memory);
  try {
    for (let block = 0; block < model.blocks; block++) {
      throwIfCancelled(signal);
      report(block, `block ${block + 1} of ${model.blocks}`);
      const weights = await BlockWeights.load(checkpoint, block);
      try {
        for (const stage of groupStages(model, positions, hidden, weights)) {
          const inputs = {
            segments: hidden.segments,
            tokens: (segment: number) => hidden.length(segment),
            input: (segment: number, rows?: TokenRange) => stage.input(segment, rows),
            sizes,
            onSegment: () => undefined,
            signal,
          };
          surveyed.push(...(await surveyGroup(options, block, stage.group, weights, inputs)));
          await forEachSegment(hidden.segments, signal, (segment) => stage.advance(segment), sizes);
        }
      } finally {
        weights.dispose();
      }
    }
    report(model.blocks);
    return surveyed;
  } finally {
    positions.dispose();
    hidden.dispose();
  }
}

async function surveyGroup(
  { checkpoint, pool, percdamp, actOrder, candidates, rowScales: scaling, rowWeights }: SurveyOptions,
  block: number,
  group: readonly [MatrixKind, ...MatrixKind[]],
  weights: BlockWeights,
  inputs: Parameters<typeof accumulateHessian>[1],
): Promise<SurveyedMatrix[]> {
  const { arena } = pool;
  const mark = arena.mark();
  try {
    const { columns } = matrixShape(checkpoint.model, group[0]);
    const hessian = await accumulateHessian(emptyHessian(pool, columns), inputs);
    const where = group.map((kind) => matrixName(block, kind)).join(', ');
    const factor =
      hessian.home === 'device'
        ? await factorOnDevice(hessian, { percdamp, actOrder, where })
        : await factorHessian(pool, hessian, { percdamp, actOrder, where });
    const sensitivity = Float64Array.from(factor.sensitivity);
    if (factor.home === 'device') factor.dispose();
    const surveyed: SurveyedMatrix[] = [];
    for (const kind of group) {
      const { rows } = matrixShape(checkpoint.model, kind);
      const values = weights.linear(kind).weight.dataSync<'float32'>();
      const matrixMark = arena.mark();
      const stored = copyMatrix(arena, values, { rows, columns });
      const scales = scaling ? rowScales(values, rows) : undefined;
      const errors = await columnErrors(pool, stored, candidates(rows), {
        rowScales: scales,
        rowWeights: scaledRowWeights(scales, rowWeights?.(block, kind)),
      });
      arena.release(matrixMark);
      surveyed.push({ block, kind, rows, columns, errors, sensitivity });
    }
    return surveyed;
  } finally {
    arena.release(mark);
  }
}
