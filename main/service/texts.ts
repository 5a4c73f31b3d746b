/** Calibration segments and evaluation windows for a model, from the texts that a request names or the bundled ones. */
import { throwIfCancelled } from '../../shared/cancellation.ts';
import type { ModelDescription } from '../../shared/model.ts';
import type { QuantizeSettings, RunHooks } from '../../shared/requests.ts';
import type { PerplexityFigure } from '../../shared/run-record.ts';
import type { EvaluateSummary } from '../../shared/summaries.ts';
import type { Perplexity } from '../engine/evaluate/window-perplexity.ts';
import type { Engine } from '../engine/start-engine.ts';
import { openCorpus } from '../engine/text/corpus.ts';
import { type CalibrationSegments, drawSegments } from '../engine/text/segments.ts';
import type { TextTokenizer } from '../engine/text/tokenizer.ts';
import { type EvaluationWindows, evaluationWindows } from '../engine/text/windows.ts';
import { BUNDLED_CALIBRATION, BUNDLED_EVALUATION } from './bundled-texts.ts';
import { lengthFor } from './text-length.ts';

/** The readers of texts end a cancelled reading in their own way; the service promises run/cancelled. */
async function untilCancelled<T>({ signal }: RunHooks, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  }
}

export async function calibrationSegments(
  model: ModelDescription,
  tokenizer: TextTokenizer,
  request: QuantizeSettings['calibration'],
  hooks: RunHooks,
): Promise<CalibrationSegments> {
  const length = lengthFor(model, request.segmentLength, '--segment-length');
  const corpus = await openCorpus([request.source ?? BUNDLED_CALIBRATION]);
  return untilCancelled(hooks, () =>
    drawSegments(corpus, tokenizer, {
      segments: request.segments,
      length,
      seed: request.seed,
      documents: request.joinDocuments ? 'joined' : 'separate',
      phase: 'Reading the calibration text',
      ...hooks,
    }),
  );
}

export interface WindowRequest {
  readonly source: string | undefined;
  /** Undefined for the whole text. */
  readonly limit: number | undefined;
  readonly contextLength: number | undefined;
}

export async function windowsOfText(
  model: ModelDescription,
  tokenizer: TextTokenizer,
  request: WindowRequest,
  hooks: RunHooks,
): Promise<EvaluationWindows> {
  const length = lengthFor(model, request.contextLength, '--context');
  const corpus = await openCorpus([request.source ?? BUNDLED_EVALUATION]);
  return untilCancelled(hooks, () =>
    evaluationWindows(corpus, tokenizer, {
      length,
      limit: request.limit,
      phase: 'Reading the evaluation text',
      ...hooks,
    }),
  );
}

/** What measures: another one rounds otherwise. */
type Measuring = Pick<Engine, 'backend' | 'forwardPrecision'>;

/** A measured perplexity with what it was measured on, and by. */
export function perplexityFigure(
  measured: Perplexity,
  { record }: EvaluationWindows,
  { backend, forwardPrecision }: Measuring,
): PerplexityFigure & Pick<EvaluateSummary, 'engine' | 'forwardPrecision'> {
  return {
    perplexity: measured.perplexity,
    meanNll: measured.meanNll,
    protocol: 'gptq',
    windows: measured.windows,
    contextLength: measured.contextLength,
    tokens: measured.windows * (measured.contextLength - 1),
    text: record.corpus.paths.join(', '),
    textSha256: record.corpus.sha256,
    engine: backend.description,
    forwardPrecision,
  };
}

/** Whether a figure was measured on just these windows by this engine; one that does not say by what was not. */
export function isMeasuredBy(
  figure: PerplexityFigure,
  { record }: EvaluationWindows,
  { backend, forwardPrecision }: Measuring,
): boolean {
  return (
    figure.engine === backend.description &&
    figure.forwardPrecision === forwardPrecision &&
    figure.textSha256 === record.corpus.sha256 &&
    figure.windows === record.windows &&
    figure.contextLength === record.length
  );
}
