import type { ActivityId } from '../../../shared/activity.ts';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { ModelId } from '../../../shared/library.ts';
import { type ColumnGrants, grantsOfPlan } from '../../../shared/compare-budgets.ts';
import type {
  ForetoldBudgetRequest,
  ForetoldClasses,
  ForetoldColumns,
} from '../../../shared/foretold-columns.ts';
import type { BenefitBudget, BenefitCurves, LossProfile } from '../../../shared/loss-profile.ts';
import { type ModelBudget, matrixBudget } from '../../../shared/model-budget.ts';
import type { NumberText } from '../../../shared/number-text.ts';
import { OUTLIER_LEVELS, nearestLevel } from '../../../shared/outlier-levels.ts';
import { requestedModelBudget } from '../../../shared/requested-model-budget.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import type { MatrixAt } from '../../engine/inspect/stored-matrix.ts';
import { numberText } from '../number-text.ts';
import { type MatrixCosts, NUMBERS_A_CURVE, benefitCurve } from '../statistics/benefit-curve.ts';
import { includesMatrix, matricesOf } from '../statistics/column-tasks.ts';
import { type Foretold, foretold, foretoldPlan } from '../statistics/foretold-columns.ts';
import { type KnownColumns, type KnownModel, notMeasured } from '../statistics/known-columns.ts';
import { SUMS_A_MATRIX, sumAlong } from '../statistics/loss-sums.ts';
import { Recent } from '../statistics/recent.ts';
import { TimeSlices } from '../statistics/time-slices.ts';
import type { Changes } from './changes.ts';
import { ColumnWorks, type ColumnWorkParts } from './column-work.ts';
import type { ColumnTaskRunner, Statistics } from './statistics.ts';
import { Turn } from './turn.ts';
import { unlessCancelled } from './unless-cancelled.ts';
import type { UserSettings } from './user-settings.ts';

export interface AnalysesParts extends ColumnWorkParts {
  readonly changes: Changes;
  readonly settings: UserSettings;
  readonly statistics: Statistics;
  readonly perform: ColumnTaskRunner;
}

/** What is asked of an analysed model. */
interface Analysed extends KnownModel {
  readonly columns: KnownColumns;
  readonly blocks: number;
  readonly matrices: readonly MatrixAt[];
}

interface RecentResults {
  readonly profiles: Recent<LossProfile>;
  readonly curves: Recent<NumberText>;
  readonly foretold: Recent<Foretold>;
}

/** Of a model: 2 MB each with 7 billion weights. */
const PROFILES_KEPT = 4;
/** As many as can be asked for at once: 150 kB each. */
const CURVES_KEPT = 64;
/** Two that are compared: 7 MB each with 7 billion weights. */
const FORETOLD_KEPT = 2;

/** What quantizing the columns of the library's models costs, and what budgets make of it. */
export class Analyses {
  readonly #parts: AnalysesParts;
  readonly #works: ColumnWorks;
  readonly #results = new WeakMap<KnownColumns, RecentResults>();
  /** Sums side by side would all be late, and a window that asks for others does not want them any more. */
  readonly #turn = new Turn();

  constructor(parts: AnalysesParts) {
    this.#parts = parts;
    this.#works = new ColumnWorks(parts);
  }

  /**
   * Begins to analyse what is not analysed yet, behind the statistics where these are missing. Null where everything is known.
   * Throws ClaqError library/not-found, and what finding the weights throws. What fails later is told by the activity.
   */
  async analyse(id: ModelId): Promise<{ activity: ActivityId | null }> {
    const measuring = await this.#parts.statistics.measuring(id);
    const { model, filesKey } = await this.#parts.statistics.present(id);
    const going = this.#works.of(id);
    if (going !== undefined) return { activity: going.activity };
    if (measuring === undefined && this.#isAnalysed({ modelId: id, filesKey })) return { activity: null };
    const { activity } = this.#works.begin({
      kind: 'analyse',
      model,
      filesKey,
      work: async (hooks, activity) => {
        if (measuring !== undefined) {
          activity.state('waiting');
          await unlessCancelled(measuring.done, hooks.signal);
          activity.state('running');
        }
        await this.#walk({ modelId: id, filesKey }, hooks);
      },
      onChange: () => this.#parts.changes.announce('statistics'),
    });
    return { activity };
  }

  /** Null where the model is not analysed. Throws ClaqError run/cancelled for who does not wait any more. */
  async profile(id: ModelId, s: number, signal?: AbortSignal): Promise<LossProfile | null> {
    const analysed = await this.#analysed(id);
    if (analysed === undefined) return null;
    const level = nearestLevel(s);
    const { profiles } = this.#recent(analysed.columns);
    return await this.#inTurn(signal, () => profiles.of(`${level}`, () => this.#profile(analysed, level)));
  }

  /**
   * Null where the model is not analysed. Throws ClaqError request/invalid, and run/cancelled for who does not wait any more.
   */
  async benefit(
    id: ModelId,
    budgets: readonly BenefitBudget[],
    signal?: AbortSignal,
  ): Promise<BenefitCurves | null> {
    const analysed = await this.#analysed(id);
    if (analysed === undefined) return null;
    const { columns } = analysed;
    const { curves: recent } = this.#recent(columns);
    const curves: NumberText[] = [];
    for (const { low, high, headShare, restShare } of budgets) {
      const budget = { low, high, headShare, restShare };
      const name = JSON.stringify(budget);
      const curve = (): Promise<NumberText> => recent.of(name, () => this.#curves(analysed, budget));
      curves.push(await this.#inTurn(signal, curve));
    }
    return { weighting: columns.weighting, curves };
  }

  /** As foretellColumns(), counted. */
  async foretell(
    id: ModelId,
    request: ForetoldBudgetRequest,
    signal?: AbortSignal,
  ): Promise<ForetoldClasses | null> {
    return (await this.#foretold(id, request, signal))?.classes ?? null;
  }

  /**
   * Null where the model is not analysed. Throws ClaqError budget/out-of-range, budget/cannot-be-met, budget/contradiction, and
   * run/cancelled for who does not wait any more.
   */
  async foretellColumns(
    id: ModelId,
    request: ForetoldBudgetRequest,
    signal?: AbortSignal,
  ): Promise<ForetoldColumns | null> {
    return (await this.#foretold(id, request, signal))?.columns ?? null;
  }

  /** The model is taken out of the library. */
  forget(id: ModelId): void {
    this.#works.of(id)?.cancel();
  }

  async #walk({ modelId, filesKey }: KnownModel, hooks: RunHooks): Promise<void> {
    const { store, models, settings, perform } = this.#parts;
    const { folder } = models.stored(modelId);
    const skip = store.analyses.list(modelId, filesKey);
    const request = { model: folder, skip, threads: settings.get().threads ?? undefined };
    await perform('analyse', request, {
      ...hooks,
      onAnalysis: (analysis) => {
        // The model may have been taken out of the library.
        if (hooks.signal?.aborted === true) return;
        store.analyses.save(modelId, filesKey, analysis);
      },
    });
  }

  #isAnalysed({ modelId, filesKey }: KnownModel): boolean {
    const { store, models } = this.#parts;
    const known = includesMatrix(store.analyses.list(modelId, filesKey));
    return matricesOf(models.stored(modelId).description).every(known);
  }

  async #analysed(id: ModelId): Promise<Analysed | undefined> {
    const { model, filesKey } = await this.#parts.statistics.present(id);
    const known = { modelId: id, filesKey };
    const columns = this.#parts.statistics.ofMeasured(known);
    if (columns === undefined || !this.#isAnalysed(known)) return undefined;
    const { description } = model;
    return { ...known, columns, blocks: description.blocks, matrices: matricesOf(description) };
  }

  #inTurn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return this.#turn.take(async () => {
      throwIfCancelled(signal, 'request');
      return await work();
    });
  }

  async #profile(analysed: Analysed, level: number): Promise<LossProfile> {
    const { columns, matrices } = analysed;
    const sums = new Float32Array(matrices.length * SUMS_A_MATRIX);
    const totals = new Float32Array(matrices.length);
    const slices = new TimeSlices();
    for (const [index, place] of matrices.entries()) {
      const energies = columns.energies(place);
      const target = sums.subarray(index * SUMS_A_MATRIX, (index + 1) * SUMS_A_MATRIX);
      sumAlong(columns.order(place, level), this.#errors(analysed, place), energies, target);
      totals[index] = energies.reduce((sum, energy) => sum + energy, 0);
      await slices.pause();
    }
    return {
      s: OUTLIER_LEVELS[level] ?? 0,
      tieRule: columns.tieRule,
      weighting: columns.weighting,
      sums: numberText(sums),
      energies: numberText(totals),
    };
  }

  /** Of all matrices, one after another. */
  async #curves(analysed: Analysed, budget: BenefitBudget): Promise<NumberText> {
    const { matrices } = analysed;
    const curves = new Float32Array(matrices.length * NUMBERS_A_CURVE);
    const slices = new TimeSlices();
    for (const [index, place] of matrices.entries()) {
      const target = curves.subarray(index * NUMBERS_A_CURVE, (index + 1) * NUMBERS_A_CURVE);
      benefitCurve(this.#costs(analysed, place), budget, target);
      await slices.pause();
    }
    return numberText(curves);
  }

  async #foretold(
    id: ModelId,
    request: ForetoldBudgetRequest,
    signal: AbortSignal | undefined,
  ): Promise<Foretold | undefined> {
    const analysed = await this.#analysed(id);
    if (analysed === undefined) return undefined;
    const budget = requestedModelBudget(request, analysed.blocks);
    const { foretold: recent } = this.#recent(analysed.columns);
    return await this.#inTurn(signal, () =>
      recent.of(JSON.stringify(budget), () => this.#foretell(analysed, budget)),
    );
  }

  async #foretell(analysed: Analysed, budget: ModelBudget): Promise<Foretold> {
    const slices = new TimeSlices();
    const grants: ColumnGrants[] = [];
    for (const place of analysed.matrices) {
      const plan = foretoldPlan(this.#costs(analysed, place), matrixBudget(budget, place.block, place.kind));
      grants.push(grantsOfPlan(plan));
      await slices.pause();
    }
    return foretold(analysed.columns.weighting, grants);
  }

  #costs(analysed: Analysed, place: MatrixAt): MatrixCosts {
    const { columns } = analysed;
    return {
      rows: columns.sizes(place).rows,
      energies: columns.energies(place),
      errors: this.#errors(analysed, place),
    };
  }

  #recent(columns: KnownColumns): RecentResults {
    const known = this.#results.get(columns);
    if (known !== undefined) return known;
    const made = {
      profiles: new Recent<LossProfile>(PROFILES_KEPT),
      curves: new Recent<NumberText>(CURVES_KEPT),
      foretold: new Recent<Foretold>(FORETOLD_KEPT),
    };
    this.#results.set(columns, made);
    return made;
  }

  #errors({ modelId, filesKey }: KnownModel, { block, kind }: MatrixAt): Float16Array {
    const analysis = this.#parts.store.analyses.read(modelId, filesKey, block, kind);
    if (analysis === undefined) throw notMeasured({ block, kind });
    return analysis.errors;
  }
}
