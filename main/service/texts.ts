/** Calibration segments and evaluation windows for a model, from the texts that a request names or the bundled ones. */
import type { ModelDescription } from '../../shared/model.ts';
import { DEFAULT_SEGMENT_LENGTH, type QuantizeSettings, type RunHooks } from '../../shared/requests.ts';
import type { PerplexityFigure } from '../../shared/run-record.ts';
import type { Perplexity } from '../engine/evaluate/perplexity.ts';
import { openCorpus } from '../engine/text/corpus.ts';
import { type CalibrationSegments, drawSegments } from '../engine/text/segments.ts';
import type { TextTokenizer } from '../engine/text/tokenizer.ts';
import { type EvaluationWindows, evaluationWindows } from '../engine/text/windows.ts';
import { BUNDLED_CALIBRATION, BUNDLED_EVALUATION } from './bundled-texts.ts';

/** Tokens of a segment or window where none are asked for: the paper's 2048, or what the model was made for. */
export function defaultLength(model: ModelDescription): number {
  return Math.min(DEFAULT_SEGMENT_LENGTH, model.contextLength);
}

export async function calibrationSegments(
  model: ModelDescription,
  tokenizer: TextTokenizer,
  request: QuantizeSettings['calibration'],
  hooks: RunHooks,
): Promise<CalibrationSegments> {
  return drawSegments(await openCorpus([request.source ?? BUNDLED_CALIBRATION]), tokenizer, {
    segments: request.segments,
    length: request.segmentLength ?? defaultLength(model),
    seed: request.seed,
    documents: request.joinDocuments ? 'joined' : 'separate',
    ...hooks,
  });
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
  return evaluationWindows(await openCorpus([request.source ?? BUNDLED_EVALUATION]), tokenizer, {
    length: request.contextLength ?? defaultLength(model),
    limit: request.limit,
    ...hooks,
  });
}

/** A measured perplexity with what it was measured on. */
export function perplexityFigure(measured: Perplexity, { record }: EvaluationWindows): PerplexityFigure {
  return {
    perplexity: measured.perplexity,
    meanNll: measured.meanNll,
    protocol: 'gptq',
    windows: measured.windows,
    contextLength: measured.contextLength,
    tokens: measured.windows * (measured.contextLength - 1),
    text: record.corpus.paths.join(', '),
    textSha256: record.corpus.sha256,
  };
}

/** Whether a figure was measured on just these windows. */
export function isMeasuredOn(figure: PerplexityFigure, { record }: EvaluationWindows): boolean {
  return (
    figure.textSha256 === record.corpus.sha256 &&
    figure.windows === record.windows &&
    figure.contextLength === record.length
  );
}
