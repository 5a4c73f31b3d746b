/** The choices that made a run, by its record: with them it can be gone on with, or be made again. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type Budget, nominalBits } from '../../shared/budget.ts';
import type { EngineChoice } from '../../shared/engine.ts';
import { ClaqError } from '../../shared/errors.ts';
import type { LayerRange } from '../../shared/model-budget.ts';
import { requestedBudget } from '../../shared/requested-budget.ts';
import {
  type BudgetRequest,
  type QuantizeChoices,
  type QuantizeChoicesRequest,
  quantizeChoicesSchema,
} from '../../shared/requests.ts';
import { type RunRecord, budgetOfRecord } from '../../shared/run-record.ts';
import { BUNDLED_CALIBRATION, BUNDLED_EVALUATION } from './bundled-texts.ts';

/**
 * What a record does not say is left open: the host memory, and the evaluation of a run that had not come to it.
 * Throws ClaqError result/malformed where no choices lead to such a record.
 */
export function recordedChoices(record: RunRecord): QuantizeChoices {
  const { settings, engine, calibration } = record;
  const { base, overrides } = budgetOfRecord(settings);
  const request: QuantizeChoicesRequest = {
    method: settings.method,
    budget: budgetRequest(base),
    overrides: overrides.map(({ layers, matrices, budget }) => ({
      layers: layers?.map(rangeText).join(','),
      matrices: matrices === undefined ? undefined : [...matrices],
      budget: budgetRequest(budget),
    })),
    outlierS: settings.outlierS,
    columnOrder: settings.columnOrder ?? undefined,
    codebookFit: settings.codebookFit ?? undefined,
    groupSize: settings.groupSize ?? undefined,
    plus: settings.plus,
    percdamp: settings.percdamp,
    actOrder: settings.actOrder,
    calibration: {
      source: chosenText(calibration.corpus.paths, BUNDLED_CALIBRATION),
      segments: calibration.segments,
      segmentLength: calibration.length,
      seed: calibration.seed,
      joinDocuments: calibration.documents === 'joined',
    },
    evaluation: recordedEvaluation(record),
    threads: engine.threads,
    engine: engineOf(engine.backend),
    forwardPrecision: engine.forwardPrecision,
  };
  const checked = quantizeChoicesSchema.safeParse(request);
  if (checked.success) return checked.data;
  throw new ClaqError('result/malformed', 'The record of the run has settings that do not go together', {
    where: record.model.folder,
    found: z.prettifyError(checked.error),
    remedy: 'quantize the model again',
    cause: checked.error,
  });
}

/** What asks for a budget, as people do where they can: `2.12`. */
export function budgetRequest(budget: Budget): BudgetRequest {
  const { precision, reservation } = budget;
  const widths: BudgetRequest =
    precision.low === precision.high
      ? { bits: precision.low }
      : { apAverage: precision.average, apWidths: [precision.low, precision.high] };
  const byName = { bits: decimal(nominalBits(budget)) };
  if (reservation === undefined) return makes(byName, budget) ? byName : widths;
  const { headColumns, headShare, restShare } = reservation;
  const byBits = { ...widths, orBits: reservation.nominalBits };
  const orColumns = percent(headColumns);
  const simplest = [byName, byBits, { ...byBits, orColumns }].find((request) => makes(request, budget));
  return simplest ?? { ...widths, orShares: [percent(headShare), percent(restShare)], orColumns };
}

function makes(request: BudgetRequest, budget: Budget): boolean {
  try {
    return isDeepStrictEqual(requestedBudget(request), budget);
  } catch (error) {
    if (error instanceof ClaqError) return false;
    throw error;
  }
}

function percent(share: number): number {
  return decimal(100 * share);
}

/** Without the last digits, in which 100 x 0.07 is more than 7. */
function decimal(value: number): number {
  return Number(value.toPrecision(12));
}

function rangeText({ from, to }: LayerRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}

function chosenText(paths: readonly string[], bundled: string): string | undefined {
  const [path] = paths;
  return path === bundled ? undefined : path;
}

function recordedEvaluation({
  matrices,
  soFar,
  result,
}: RunRecord): NonNullable<QuantizeChoicesRequest['evaluation']> {
  const figure = soFar?.before ?? result?.before ?? result?.after ?? undefined;
  // The original model is evaluated before the first matrix.
  if (figure === undefined) return matrices.length === 0 ? {} : { windows: 0 };
  const { windows, contextLength, text } = figure;
  return { source: chosenText([text], BUNDLED_EVALUATION), windows, contextLength };
}

/** By what the engine says of itself. */
function engineOf(description: string): EngineChoice {
  if (description.startsWith('WebAssembly')) return 'wasm';
  if (description.endsWith('on the GPU')) return 'tensorflow-gpu';
  return description.endsWith('on the CPU') ? 'tensorflow-cpu' : 'auto';
}
