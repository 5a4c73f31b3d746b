/** Models, runs and what they came to, made up: the same at each start. */
import { z } from 'zod';
import { HALF_BYTES } from '../../shared/bits.ts';
import { modelIdSchema, type ModelCard } from '../../shared/library.ts';
import { keptParameters, type KeptTensors, keptTensors } from '../../shared/model-bytes.ts';
import {
  MATRIX_KINDS,
  matrixShape,
  quantizedWeights,
  type MatrixKind,
  type ModelDescription,
} from '../../shared/model.ts';
import { quantizeChoicesSchema } from '../../shared/requests.ts';
import type { PlainError } from '../../shared/errors.ts';
import type { MatrixResult, PerplexityFigure } from '../../shared/run-record.ts';
import {
  runCardSchema,
  runIdSchema,
  type RunCard,
  type RunDetail,
  type RunState,
} from '../../shared/runs.ts';
import { DEMO_DESCRIPTION, LLAMA_7B, SMOLLM2, llamaOf } from '../known-models.ts';

const START = Date.parse('2026-03-02T09:00:00Z');
export const DEMO_FOLDER = '/opt/claq-studio/resources/demo-model/model';

/** ISO 8601, that many minutes after the library's first. */
export function at(minutes: number): string {
  return new Date(START + minutes * 60_000).toISOString();
}

/** A number from 0 to 1 that looks like chance, the same for the same seed (splitmix32). */
export function chance(seed: number): number {
  let z = (seed + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
}

const QWEN3: ModelDescription = {
  ...llamaOf({
    hiddenSize: 1024,
    ffnSize: 3072,
    blocks: 28,
    heads: 16,
    kvHeads: 8,
    vocabSize: 151_936,
    contextLength: 40_960,
  }),
  family: 'qwen3',
  headDim: 128,
  rmsNormEpsilon: 1e-6,
  ropeTheta: 1_000_000,
  tiedEmbeddings: true,
  qkNorm: true,
};

const MISTRAL: ModelDescription = {
  ...LLAMA_7B,
  family: 'mistral',
  ffnSize: 14_336,
  kvHeads: 8,
  contextLength: 32_768,
  rmsNormEpsilon: 1e-5,
  slidingWindow: 4096,
};

interface KnownModel {
  readonly name: string;
  readonly description: ModelDescription;
  readonly dtype: string;
  readonly repository: string | null;
}

const KNOWN: readonly KnownModel[] = [
  {
    name: 'SmolLM2-135M-Instruct',
    description: SMOLLM2,
    dtype: 'BF16',
    repository: 'HuggingFaceTB/SmolLM2-135M-Instruct',
  },
  {
    name: 'Qwen3-0.6B',
    description: QWEN3,
    dtype: 'BF16',
    repository: 'Qwen/Qwen3-0.6B',
  },
  {
    name: 'Llama-2-7b-hf',
    description: { ...LLAMA_7B, contextLength: 4096, rmsNormEpsilon: 1e-5 },
    dtype: 'F16',
    repository: null,
  },
  {
    name: 'Mistral-7B-v0.1',
    description: MISTRAL,
    dtype: 'BF16',
    repository: 'mistralai/Mistral-7B-v0.1',
  },
];

export function perplexity(value: number, contextLength = 512): PerplexityFigure {
  return {
    perplexity: value,
    meanNll: Math.log(value),
    protocol: 'gptq',
    windows: 16,
    contextLength,
    tokens: 16 * (contextLength - 1),
    text: 'evaluation.txt',
    textSha256: '9f2c'.repeat(16),
    engine: 'wasm',
    forwardPrecision: 'float32',
  };
}

function parameters(description: ModelDescription): number {
  const embedding = description.vocabSize * description.hiddenSize;
  return (
    quantizedWeights(description) +
    embedding * (description.tiedEmbeddings ? 1 : 2) +
    (2 * description.blocks + 1) * description.hiddenSize
  );
}

export function demoModel(id = 1): ModelCard {
  return {
    id: modelIdSchema.parse(id),
    name: 'Demo model',
    folder: DEMO_FOLDER,
    source: { kind: 'demo' },
    addedAt: at(0),
    description: DEMO_DESCRIPTION,
    parameters: parameters(DEMO_DESCRIPTION),
    quantizedWeights: quantizedWeights(DEMO_DESCRIPTION),
    quantized: null,
    bytes: 6_302_416,
    dtype: 'F16',
    missing: false,
    runs: { complete: 0, open: 0 },
    baseline: null,
  };
}

/** Beside what its description asks for a buffer of 128 bytes, in a second file: as only the model's files tell. */
export function keptOf({ description }: Pick<ModelCard, 'description'>): KeptTensors {
  return {
    bytes: HALF_BYTES * keptParameters(description) + 128,
    tensors: keptTensors(description) + 1,
    files: 2,
  };
}

/** The nth model: real ones first, then the same under other names. */
export function knownModel(id: number, index: number): ModelCard {
  const known = KNOWN[index % KNOWN.length];
  if (known === undefined) throw new RangeError('there are no models');
  const copy = Math.floor(index / KNOWN.length);
  const name = copy === 0 ? known.name : `${known.name}-checkpoint-${String(copy).padStart(3, '0')}`;
  const weights = parameters(known.description);
  return {
    ...demoModel(id),
    name,
    folder: `/data/models/${name}`,
    source:
      known.repository === null
        ? { kind: 'folder' }
        : { kind: 'hub', repository: known.repository, commit: '7e27bd9f95328f0f3b08261d1252705110c806f8' },
    addedAt: at(60 * index),
    description: known.description,
    parameters: weights,
    quantizedWeights: quantizedWeights(known.description),
    bytes: 2 * weights,
    dtype: known.dtype,
  };
}

/** The result of one matrix: losses that differ by block and kind over some orders of magnitude. */
export function matrixResult(
  description: ModelDescription,
  block: number,
  kind: MatrixKind,
  bits: number,
): MatrixResult {
  const { rows, columns } = matrixShape(description, kind);
  const place = MATRIX_KINDS.indexOf(kind);
  const noise = chance(block * 7 + place);
  const depth = 1 + block / description.blocks;
  const loss =
    ((rows * columns) / 1e5) * 10 ** (noise - 0.4 * (bits - 2)) * depth * (kind === 'down' ? 2.4 : 1);
  const wide = Math.round(columns * 0.025);
  return {
    block,
    kind,
    rows,
    columns,
    loss,
    outlierRatio: 0.0002 + 0.006 * noise * noise,
    damping: 0.01,
    bytes: Math.round((rows * columns * (bits + 0.31)) / 8),
    classes: [
      { width: 2, reserved: 0, columns: columns - 3 * wide },
      { width: 2, reserved: Math.max(2, Math.round(rows * 0.028)), columns: 2 * wide },
      { width: 4, reserved: Math.max(2, Math.round(rows * 0.028)), columns: wide },
    ],
  };
}

export function allMatrices(description: ModelDescription, bits: number): MatrixResult[] {
  return Array.from({ length: description.blocks }, (_, block) =>
    MATRIX_KINDS.map((kind) => matrixResult(description, block, kind, bits)),
  ).flat();
}

const BUDGETS = [
  { bits: 2.12, label: '2.12 (AP 2.05 of {2,4} + OR 0.07)' },
  { bits: 3, label: '3' },
  { bits: 4, label: '4' },
  { bits: 3.12, label: '3.12 (AP 3.05 of {3,4} + OR 0.07)' },
] as const;

export const DISK_FULL: PlainError = {
  code: 'output/disk-full',
  message: 'The disk is full',
  where: '/data/runs/SmolLM2-135M-Instruct-2.12-3',
  expected: '31.2 MB for the next block',
  found: '12.0 MB free',
  remedy: 'free some space, then resume the run',
};

/** The nth run of a model in that state. */
export function someRun(id: number, model: ModelCard, state: RunState, index = id): RunDetail {
  const budget = BUDGETS[index % BUDGETS.length] ?? BUDGETS[0];
  const total = model.description.blocks * MATRIX_KINDS.length;
  const done = state === 'complete' ? total : state === 'queued' ? 0 : Math.floor(total * 0.45);
  const before = model.description.hiddenSize < 500 ? 19.62 : 7.2 + (model.id % 9) * 2.3;
  const storedBits = budget.bits + 0.31;
  return {
    id: runIdSchema.parse(id),
    modelId: model.id,
    modelName: model.name,
    folder: `/data/runs/${model.name}-${budget.bits}-${index}`,
    state,
    method: 'claq',
    budget: budget.label,
    queuedAt: at(30 * id),
    startedAt: state === 'queued' ? null : at(30 * id + 1),
    endedAt: ['queued', 'running', 'pausing', 'cancelling'].includes(state) ? null : at(30 * id + 9),
    ahead: state === 'queued' ? 0 : null,
    matricesDone: done,
    matricesTotal: total,
    figures:
      state === 'complete'
        ? {
            nominalBits: budget.bits,
            storedBits,
            weights: model.quantizedWeights,
            sourceBytes: 2 * model.quantizedWeights,
            packedBytes: Math.round((model.quantizedWeights * storedBits) / 8),
            loss: 1234.5 / budget.bits ** 2,
            before: perplexity(before),
            after: perplexity(before * (1 + 0.9 / budget.bits ** 3)),
            seconds: 42 + 30 * chance(id),
            sessions: 1,
            timing: {
              forward: 8.1,
              hessian: 3.4,
              quantize: 18.9,
              evaluate: 4.9,
              original: 4.8,
            },
          }
        : null,
    error: state === 'failed' ? DISK_FULL : null,
    choices: quantizeChoicesSchema.parse({ budget: { bits: budget.bits }, calibration: { segments: 128 } }),
    blocks: model.description.blocks,
    engine: state === 'queued' ? null : 'WebAssembly with relaxed SIMD',
    matrices: allMatrices(model.description, budget.bits).slice(0, done),
    notes:
      state === 'queued'
        ? []
        : [
            { at: at(30 * id + 1), line: 'Engine: WebAssembly, 2 kernel threads' },
            { at: at(30 * id + 1), line: 'Calibration: 128 segments of 512 tokens from calibration.txt' },
          ],
    exports: [],
  };
}

export function cardOf(detail: RunDetail): RunCard {
  return z.object(runCardSchema.shape).parse(detail);
}
