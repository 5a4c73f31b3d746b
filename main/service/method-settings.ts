/** From a request to the method's settings, every choice decided. */
import { type Budget, nominalBits } from '../../shared/budget.ts';
import { ClaqError } from '../../shared/errors.ts';
import { MATRIX_KINDS, type ModelDescription, matrixShape } from '../../shared/model.ts';
import { requestedBudget } from '../../shared/requested-budget.ts';
import { DEFAULT_COLUMN_ORDER, type QuantizeSettings } from '../../shared/requests.ts';
import type { MethodSettings } from '../engine/claq/quantize-group.ts';

export function methodSettings(settings: QuantizeSettings, model: ModelDescription): MethodSettings {
  const { method, groupSize } = settings;
  const widest = Math.max(...MATRIX_KINDS.map((kind) => matrixShape(model, kind).columns));
  if (groupSize !== undefined && groupSize > widest) {
    throw new ClaqError('request/invalid', 'The group is larger than any row of the model', {
      where: '--group-size',
      expected: `at most ${widest} columns`,
      found: String(groupSize),
      remedy: 'leave it out for one scale a row',
    });
  }
  return {
    method,
    budget: requestedBudget(settings.budget),
    outlierS: settings.outlierS,
    columnOrder: settings.columnOrder ?? (method === 'reference' ? 'outlier' : DEFAULT_COLUMN_ORDER),
    codebookFit: settings.codebookFit ?? (method === 'reference' ? 'all' : 'kept'),
    groupSize,
    percdamp: settings.percdamp,
    actOrder: settings.actOrder,
    seed: settings.calibration.seed,
  };
}

/** What broke ties in the Outlier Order; null where widths and shares followed something else. */
export function tieRule({ method, columnOrder }: MethodSettings): 'hessian-diagonal' | 'column-index' | null {
  if (method === 'reference') return 'column-index';
  return method === 'claq' && columnOrder === 'outlier' ? 'hessian-diagonal' : null;
}

/** The bits of a budget as a short label for a folder: 2.12. */
export function bitsLabel(budget: Budget): string {
  return String(Number(nominalBits(budget).toFixed(3)));
}
