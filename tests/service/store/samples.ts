import type { NewModel, NewRun, Store, StoredStatistics } from '../../../main/service/store/store.ts';
import type { ModelId } from '../../../shared/library.ts';
import { quantizeChoicesSchema } from '../../../shared/requests.ts';
import type { MatrixResult, PerplexityFigure, RunFigures } from '../../../shared/run-record.ts';
import type { ExportCard, RunId } from '../../../shared/runs.ts';

export const MODEL: NewModel = {
  name: 'SmolLM2-135M',
  folder: '/models/SmolLM2-135M',
  source: { kind: 'hub', repository: 'HuggingFaceTB/SmolLM2-135M', commit: '93efa2f' },
  addedAt: '2026-03-01T08:00:00.000Z',
  description: {
    family: 'llama',
    hiddenSize: 576,
    ffnSize: 1536,
    blocks: 30,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    vocabSize: 49_152,
    contextLength: 8192,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 100_000,
    ropeScaling: { type: 'none' },
    tiedEmbeddings: true,
    qkvBias: false,
    oBias: false,
    mlpBias: false,
    qkNorm: false,
    slidingWindow: undefined,
  },
  parameters: 134_515_008,
  quantizedWeights: 106_168_320,
  bytes: 269_060_552,
  dtype: 'BF16',
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
    format: 'dense',
    dtype: 'f16',
    folder: '/runs/1/dense-f16',
    files: 7,
    bytes: 270_000_000,
    seconds: 3.5,
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
    maxima: Float32Array.of(0.5, 0.25, 1),
    energies: Float32Array.of(2, 3, 4),
    means: Float32Array.of(-0.125, 0, 0.125),
    variances: Float32Array.of(0.25, 0.5, 0.75),
    sValues: Float32Array.of(3, 13),
    outliers: [Uint32Array.of(5, 0, 7), Uint32Array.of(1, 0, 4_294_967_295)],
    ...change,
  };
}

/** A model with one complete run that has everything: notes, matrices, an export, statistics. */
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
  store.columnStatistics.save(modelId, 'files', statistics(0, 'q'));
  return { modelId, runId };
}
