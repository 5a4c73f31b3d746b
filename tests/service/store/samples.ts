import { ANALYSED_ERRORS } from '../../../shared/analysed-errors.ts';
import type {
  NewModel,
  NewRun,
  Store,
  StoredAnalysis,
  StoredStatistics,
} from '../../../main/service/store/store.ts';
import type { GroupCalibration } from '../../../shared/calibration.ts';
import type { ModelId } from '../../../shared/library.ts';
import { quantizeChoicesSchema } from '../../../shared/requests.ts';
import type { MatrixResult, PerplexityFigure, RunFigures } from '../../../shared/run-record.ts';
import type { ExportCard, RunId } from '../../../shared/runs.ts';
import type { ModelSensitivity } from '../../../shared/sensitivity.ts';
import { SMOLLM2 } from '../../known-models.ts';

export const MODEL: NewModel = {
  name: 'SmolLM2-135M',
  folder: '/models/SmolLM2-135M',
  source: { kind: 'hub', repository: 'HuggingFaceTB/SmolLM2-135M', commit: '93efa2f' },
  addedAt: '2026-03-01T08:00:00.000Z',
  description: SMOLLM2,
  parameters: 134_515_008,
  quantizedWeights: 106_168_320,
  bytes: 269_060_552,
  dtype: 'BF16',
  quantized: null,
};

export const PERPLEXITY: PerplexityFigure = {
  perplexity: 14.9,
  meanNll: 2.7013612129514133,
  protocol: 'gptq',
  windows: 16,
  contextLength: 2048,
  tokens: 32_752,
  text: '/texts/evaluation.txt',
  textSha256: 'ab'.repeat(32),
};

export const FIGURES: RunFigures = {
  nominalBits: 2.12,
  storedBits: 2.41,
  weights: 106_168_320,
  sourceBytes: 269_060_552,
  packedBytes: 32_000_000,
  loss: 25_925.8,
  before: PERPLEXITY,
  after: { ...PERPLEXITY, perplexity: 20.1, meanNll: 3.0007198150650303 },
  seconds: 600.5,
  sessions: 2,
  timing: { forward: 200.25, loop: 250 },
};

export function newRun(modelId: ModelId, folder = '/runs/1'): NewRun {
  return {
    modelId,
    folder,
    choices: quantizeChoicesSchema.parse({ budget: { bits: 2.12 }, threads: 2 }),
    method: 'claq',
    budget: '2.12 (AP 2.05 of {2,4} + OR 0.07)',
    blocks: 30,
    matricesTotal: 210,
    queuedAt: '2026-03-01T09:00:00.000Z',
  };
}

export function matrix(
  block: number,
  kind: MatrixResult['kind'],
  change: Partial<MatrixResult> = {},
): MatrixResult {
  return {
    block,
    kind,
    rows: 576,
    columns: 1536,
    bytes: 230_000,
    loss: 12.25,
    outlierRatio: 0.000_125,
    damping: 0.01,
    classes: [
      { width: 2, reserved: 4, columns: 1498 },
      { width: 4, reserved: 16, columns: 38 },
    ],
    ...change,
  };
}

export function newExport(runId: RunId): Omit<ExportCard, 'id'> {
  return {
    runId,
    modelId: null,
    target: { format: 'dense', dtype: 'f16' },
    folder: '/runs/1/dense-f16',
    files: 7,
    bytes: 270_000_000,
    seconds: 3.5,
    check: {
      tensors: 272,
      maxRounding: 0.0001,
      perplexity: { windows: 2, contextLength: 256, expected: 12.5, found: 12.501 },
    },
    createdAt: '2026-03-01T10:00:00.000Z',
  };
}

export function statistics(
  block: number,
  kind: StoredStatistics['kind'],
  change: Partial<StoredStatistics> = {},
): StoredStatistics {
  return {
    block,
    kind,
    rows: 64,
    columns: 3,
    meanMagnitude: 0.015,
    maxMagnitude: 1,
    maxima: Float32Array.of(0.5, 0.25, 1),
    energies: Float32Array.of(2, 3, 4),
    means: Float32Array.of(-0.125, 0, 0.125),
    variances: Float32Array.of(0.25, 0.5, 0.75),
    levels: 2,
    outliers: Uint32Array.of(5, 0, 7, 1, 0, 6),
    ...change,
  };
}

/** With the errors 0, 1/64, 2/64 and so on. */
export function analysis(
  block: number,
  kind: StoredAnalysis['kind'],
  change: Partial<StoredAnalysis> = {},
): StoredAnalysis {
  const columns = 2;
  const errors = Float16Array.from({ length: columns * ANALYSED_ERRORS }, (_, index) => index / 64);
  return { block, kind, columns, errors, ...change };
}

export const SENSITIVITY: ModelSensitivity = {
  matrices: [
    { block: 0, kind: 'q', mean: 1.5e-5, median: 1e-6 },
    { block: 0, kind: 'k', mean: 0.25, median: 0 },
  ],
  tokens: 2047,
  segments: 1,
  segmentLength: 2048,
  text: '/texts/calibration.txt',
  textSha256: 'cd'.repeat(32),
  engine: 'WebAssembly',
  forwardPrecision: 'float32',
};

export function calibration(block: number, kind: GroupCalibration['kind'], scale = 1): GroupCalibration {
  return {
    block,
    kind,
    diagonal: Float32Array.of(4 * scale, 2 * scale, 0),
    sensitivity: Float32Array.of(3 * scale, scale, 0),
  };
}

/** A model with one complete run that has everything: notes, matrices, an export, statistics and what belongs to these. */
export function addWholeModel(
  store: Store,
  name: string,
): { readonly modelId: ModelId; readonly runId: RunId } {
  const modelId = store.models.insert({ ...MODEL, name, folder: `/models/${name}` });
  const runId = store.runs.insert(newRun(modelId, `/runs/${name}`));
  store.runs.saveMatrices(runId, [matrix(0, 'q'), matrix(0, 'k')]);
  store.runs.addNote(runId, { at: '2026-03-01T09:01:00.000Z', line: 'WebAssembly, 2 threads' });
  store.runs.complete(runId, FIGURES, '2026-03-01T10:00:00.000Z');
  store.exports.insert(newExport(runId));
  store.evaluations.save(modelId, PERPLEXITY, '2026-03-01T10:00:00.000Z');
  store.columnStatistics.save(modelId, 'files', statistics(0, 'q'));
  store.analyses.save(modelId, 'files', analysis(0, 'q'));
  store.calibrations.save({ modelId, filesKey: 'files', runId, groups: 2 }, calibration(0, 'q'));
  store.sensitivities.save(modelId, 'files', SENSITIVITY);
  return { modelId, runId };
}
