/** The calls about columns and budgets, on columns that do not exist. */
import { ClaqError, type PlainError } from '../../shared/errors.ts';
import type { ActivityId } from '../../shared/activity.ts';
import type { ModelCard } from '../../shared/library.ts';
import { grantsOfPlan } from '../../shared/compare-budgets.ts';
import type { ForetoldBudgetRequest } from '../../shared/foretold-columns.ts';
import { matrixBudget } from '../../shared/model-budget.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import type { BenefitBudget, BenefitCurves, LossProfile } from '../../shared/loss-profile.ts';
import { matrixName, matrixShape } from '../../shared/model.ts';
import { OUTLIER_LEVELS, nearestLevel } from '../../shared/outlier-levels.ts';
import {
  type ColumnRequest,
  type ColumnView,
  type Entries,
  type EntriesRequest,
  MAX_ENTRY_CELLS,
  type MatrixAddress,
  type MatrixStatistics,
  type OutlierOrders,
  type StatisticsEvent,
} from '../../shared/statistics.ts';
import { numberText } from '../../main/service/number-text.ts';
import { type Foretold, foretold, foretoldPlan } from '../../main/service/statistics/foretold-columns.ts';
import { NUMBERS_A_CURVE, benefitCurve } from '../../main/service/statistics/benefit-curve.ts';
import { orderByCounts, tieOrder } from '../../shared/column-order.ts';
import { matricesOf } from '../../main/service/statistics/column-tasks.ts';
import { SUMS_A_MATRIX, sumAlong } from '../../main/service/statistics/loss-sums.ts';
import type { StoredStatistics } from '../../main/service/store/store.ts';
import { fakeEntry, fakeErrors, type FakeMatrix, fakeOverview, fakeStatistics } from './fake-columns.ts';
import { addActivity, changeActivity, sixtyTimesASecond } from './fake-progress.ts';
import type { FakeState } from './fake-state.ts';

function matricesOfModel({ description }: ModelCard): FakeMatrix[] {
  return matricesOf(description).map((place) => ({ description, ...place }));
}

function measuredOf(state: FakeState, model: ModelCard): FakeMatrix[] {
  return matricesOfModel(model).slice(0, state.measured.get(model.id) ?? 0);
}

function overviewEvent(state: FakeState, model: ModelCard): StatisticsEvent {
  return {
    kind: 'overview',
    measuring: walkOf(state, model, 'measure') ?? null,
    total: matricesOfModel(model).length,
    matrices: measuredOf(state, model).map(fakeOverview),
  };
}

function walkOf(state: FakeState, model: ModelCard, kind: 'measure' | 'analyse'): ActivityId | undefined {
  return state.activities.find(
    (each) => each.kind === kind && each.modelId === model.id && each.state === 'running',
  )?.id;
}

/** What goes wrong with a model whose weights are unreadable. */
export const UNREADABLE: PlainError = {
  code: 'weights/malformed',
  message: 'The weights cannot be read',
  where: 'model.safetensors',
  expected: '1,191,586,416 bytes',
  found: '402,653,184 bytes',
  remedy: 'download the file again',
};

/** An activity that goes through all matrices; one that is cancelled or fails stays where it is. */
function walk(
  state: FakeState,
  model: ModelCard,
  kind: 'measure' | 'analyse',
  onDone: (matrices: number) => void,
): ActivityId {
  const title = `${model.name}, ${kind === 'measure' ? 'columns' : 'analysis'}`;
  const activity = addActivity(state, kind, title, { modelId: model.id });
  const total = matricesOfModel(model).length;
  const phase = kind === 'measure' ? 'Looking for outliers' : 'Fitting codebooks to columns';
  const ticking = sixtyTimesASecond((tick) => {
    if (state.unreadable.has(model.id) && tick > state.walkTicks / 4) {
      changeActivity(state, activity, { state: 'failed', error: UNREADABLE });
    }
    if (walkOf(state, model, kind) !== activity) {
      ticking.stop();
      state.statisticsEvents.send({ id: model.id, event: overviewEvent(state, model) });
      return;
    }
    const done = Math.min(total, Math.floor((total * (tick + 1)) / state.walkTicks));
    const progress = { phase, done, total, unit: 'matrices' as const };
    changeActivity(state, activity, {
      pace: { progress, rate: (total * 60) / state.walkTicks, secondsLeft: (state.walkTicks - tick) / 60 },
    });
    if (done === total) {
      ticking.stop();
      changeActivity(state, activity, { state: 'done' });
    }
    onDone(done);
  });
  return activity;
}

export function measure(state: FakeState, model: ModelCard): { activity: ActivityId | null } {
  const total = matricesOfModel(model).length;
  if ((state.measured.get(model.id) ?? 0) === total) return { activity: null };
  const going = walkOf(state, model, 'measure');
  if (going !== undefined) return { activity: going };
  const activity = walk(state, model, 'measure', (done) => {
    const before = state.measured.get(model.id) ?? 0;
    if (done <= before && done < total) return;
    state.measured.set(model.id, done);
    const matrices = matricesOfModel(model).slice(before, done).map(fakeOverview);
    state.statisticsEvents.send({ id: model.id, event: { kind: 'matrices', matrices } });
    if (done < total) return;
    state.statisticsEvents.send({ id: model.id, event: overviewEvent(state, model) });
    state.changes.send({ topic: 'statistics' });
  });
  state.statisticsEvents.send({ id: model.id, event: overviewEvent(state, model) });
  return { activity };
}

export function analyse(state: FakeState, model: ModelCard): { activity: ActivityId | null } {
  if (state.analysed.has(model.id)) return { activity: null };
  const going = walkOf(state, model, 'analyse');
  if (going !== undefined) return { activity: going };
  measure(state, model);
  const activity = walk(state, model, 'analyse', (done) => {
    if (done < matricesOfModel(model).length) return;
    state.analysed.add(model.id);
    state.changes.send({ topic: 'statistics' });
  });
  return { activity };
}

export async function* watchStatistics(
  state: FakeState,
  model: ModelCard,
  signal: AbortSignal | undefined,
): AsyncGenerator<StatisticsEvent, undefined> {
  const first = { id: Number(model.id), event: overviewEvent(state, model) };
  for await (const { id, event } of state.statisticsEvents.listen([first], signal)) {
    if (id === model.id) yield event;
  }
  return undefined;
}

function requireMeasured(
  state: FakeState,
  model: ModelCard,
  { block, kind }: Pick<MatrixAddress, 'block' | 'kind'>,
): FakeMatrix {
  const found = measuredOf(state, model).find((each) => each.block === block && each.kind === kind);
  if (found !== undefined) return found;
  throw new ClaqError('statistics/not-measured', 'The columns of this matrix are not measured yet', {
    where: matrixName(block, kind),
    remedy: "measure the model's columns first",
  });
}

export function matrixStatistics(
  state: FakeState,
  model: ModelCard,
  address: MatrixAddress,
): MatrixStatistics {
  const found = fakeStatistics(requireMeasured(state, model, address));
  const { block, kind, rows, columns, meanMagnitude, levels } = found;
  return {
    ...{ block, kind, rows, columns, meanMagnitude, levels },
    maxima: numberText(found.maxima),
    energies: numberText(found.energies),
    means: numberText(found.means),
    variances: numberText(found.variances),
    outliers: numberText(found.outliers),
    tieRule: 'max-weight',
    ties: numberText(found.maxima),
  };
}

function orderAt({ columns, levels, outliers, maxima }: StoredStatistics, level: number): Uint16Array {
  const counts = outliers.subarray(level * columns, (level + 1) * columns);
  return orderByCounts(tieOrder(maxima), level < levels ? counts : undefined);
}

export function outlierOrders(state: FakeState, model: ModelCard, s: number): OutlierOrders {
  const level = nearestLevel(s);
  const orders = matricesOfModel(model).map((matrix) =>
    orderAt(fakeStatistics(requireMeasured(state, model, matrix)), level),
  );
  const columns = new Uint16Array(orders.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const order of orders) {
    columns.set(order, at);
    at += order.length;
  }
  return { s: OUTLIER_LEVELS[level] ?? s, tieRule: 'max-weight', columns: numberText(columns) };
}

export function matrixEntries(
  state: FakeState,
  model: ModelCard,
  { block, kind, rows, columns }: EntriesRequest,
): Entries {
  const matrix = requireMeasured(state, model, { block, kind });
  const rowStep = Math.ceil((rows[1] - rows[0]) / MAX_ENTRY_CELLS);
  const columnStep = Math.ceil((columns[1] - columns[0]) / MAX_ENTRY_CELLS);
  const values: number[] = [];
  for (let row = rows[0]; row < rows[1]; row += rowStep) {
    for (let column = columns[0]; column < columns[1]; column += columnStep) {
      values.push(Math.abs(fakeEntry(matrix, row, column)));
    }
  }
  return { rows, columns, rowStep, columnStep, values: numberText(Float32Array.from(values)) };
}

export function columnView(
  state: FakeState,
  model: ModelCard,
  { block, kind, column, tailShare }: ColumnRequest,
): ColumnView {
  const matrix = requireMeasured(state, model, { block, kind });
  const { rows } = matrixShape(model.description, kind);
  const { meanMagnitude } = fakeStatistics(matrix);
  const sorted = Float32Array.from(
    { length: rows },
    (_, row) => meanMagnitude * fakeEntry(matrix, row, column),
  ).sort();
  const reserved = Math.round(rows * tailShare);
  const kept = sorted.subarray(reserved, rows - reserved);
  const energy = kept.reduce((sum, value) => sum + value * value, 0);
  return {
    column,
    rows,
    sorted: numberText(sorted),
    meanMagnitude,
    reserved,
    codebooks: Array.from({ length: 8 }, (_, index) => {
      const width = index + 1;
      const size = Math.min(2 ** width, kept.length);
      const centroids = Array.from(
        { length: size },
        (_value, code) => kept[Math.floor(((code + 0.5) * kept.length) / size)] ?? 0,
      );
      return { width, centroids, squaredError: 0.36 * energy * 4 ** (1 - width) };
    }),
  };
}

export function lossProfile(state: FakeState, model: ModelCard, s: number): LossProfile | null {
  if (!state.analysed.has(model.id)) return null;
  const level = nearestLevel(s);
  const matrices = matricesOfModel(model);
  const sums = new Float32Array(matrices.length * SUMS_A_MATRIX);
  const totals = new Float32Array(matrices.length);
  for (const [index, matrix] of matrices.entries()) {
    const statistics = fakeStatistics(matrix);
    const energies = Float64Array.from(statistics.energies);
    const target = sums.subarray(index * SUMS_A_MATRIX, (index + 1) * SUMS_A_MATRIX);
    sumAlong(orderAt(statistics, level), fakeErrors(matrix), energies, target);
    totals[index] = energies.reduce((sum, energy) => sum + energy, 0);
  }
  return {
    s: OUTLIER_LEVELS[level] ?? s,
    tieRule: 'max-weight',
    weighting: 'none',
    sums: numberText(sums),
    energies: numberText(totals),
  };
}

export function benefitCurves(
  state: FakeState,
  model: ModelCard,
  budgets: readonly BenefitBudget[],
): BenefitCurves | null {
  if (!state.analysed.has(model.id)) return null;
  const matrices = matricesOfModel(model);
  const curves = budgets.map(() => new Float32Array(matrices.length * NUMBERS_A_CURVE));
  for (const [index, matrix] of matrices.entries()) {
    const { rows, energies } = fakeStatistics(matrix);
    const costs = { rows, energies: Float64Array.from(energies), errors: fakeErrors(matrix) };
    for (const [which, budget] of budgets.entries()) {
      const curve = curves[which]?.subarray(index * NUMBERS_A_CURVE, (index + 1) * NUMBERS_A_CURVE);
      if (curve !== undefined) benefitCurve(costs, budget, curve);
    }
  }
  return { weighting: 'none', curves: curves.map(numberText) };
}

export function foretoldBudget(
  state: FakeState,
  model: ModelCard,
  request: ForetoldBudgetRequest,
): Foretold | null {
  if (!state.analysed.has(model.id)) return null;
  const budget = requestedModelBudget(request, model.description.blocks);
  const grants = matricesOfModel(model).map((matrix) => {
    const { rows, energies } = fakeStatistics(matrix);
    const costs = { rows, energies: Float64Array.from(energies), errors: fakeErrors(matrix) };
    return grantsOfPlan(foretoldPlan(costs, matrixBudget(budget, matrix.block, matrix.kind)));
  });
  return foretold('none', grants);
}
