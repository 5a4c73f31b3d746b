import { BUNDLED_CALIBRATION } from '../../../main/service/bundled-texts.ts';
import { type RunRecord, runRecordSchema } from '../../../shared/run-record.ts';

/** The record of a run with what a preflight looks at as asked for, and with all else that the schema wants. */
export interface RecordedFigures {
  readonly segments: number;
  readonly length: number;
  readonly timing: Readonly<Record<string, number>>;
  /** None where not given. */
  readonly windows?: number;
  readonly sessions?: number;
  readonly backend?: string;
  readonly threads?: number;
  readonly status?: RunRecord['status'];
}

export const BACKEND = 'WebAssembly SIMD, 1 thread';

export function completeRecord(figures: RecordedFigures): RunRecord {
  const { segments, length, timing, windows = 0, sessions = 1, backend = BACKEND, threads = 2 } = figures;
  const after = {
    perplexity: 60,
    meanNll: Math.log(60),
    protocol: 'gptq',
    windows,
    contextLength: length,
    tokens: windows * (length - 1),
    text: 'a text',
    textSha256: '',
  };
  return runRecordSchema.parse({
    version: 2,
    program: 'claq-studio 0.1.0',
    status: figures.status ?? 'complete',
    startedAt: '2026-08-01T12:00:00.000Z',
    model: { folder: '/models/demo', files: {} },
    settings: {
      method: 'claq',
      budget: '2.12',
      precision: { low: 2, high: 4, average: 2.05 },
      reservation: { nominalBits: 0.07, headColumns: 0.1, headShare: 0.014, restShare: 0.004 },
      outlierS: 13,
      columnOrder: 'benefit',
      tieRule: null,
      codebookFit: 'kept',
      groupSize: null,
      percdamp: 0.01,
      actOrder: true,
      seed: 0,
    },
    calibration: {
      corpus: { paths: [BUNDLED_CALIBRATION], files: 1, skipped: 0, sha256: '', documents: 1, bytes: 1 },
      segments,
      length,
      seed: 0,
      documents: 'separate',
    },
    engine: { backend, forwardPrecision: 'float32', kernels: 'relaxed', threads, node: 'v24.0.0' },
    matrices: [],
    soFar: null,
    result: {
      sessions,
      seconds: 100,
      timing,
      nominalBits: 2.12,
      storedBits: 2.6,
      weights: 2_359_296,
      sourceBytes: 4_718_592,
      packedBytes: 760_000,
      loss: 1,
      before: null,
      after: windows === 0 ? null : after,
    },
    exports: [],
  });
}
