import { computed } from 'vue';
import type { ModelCard, ModelId } from '../../shared/library.ts';
import type { ColumnOrder } from '../../shared/method.ts';
import type { ModelBudget } from '../../shared/model-budget.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import { DEFAULT_COLUMN_ORDER } from '../../shared/requests.ts';
import type { RunCard, RunDetail } from '../../shared/runs.ts';
import { useRuns } from '../api/runs-store.ts';
import { service } from '../api/service.ts';
import { useSettled } from './use-settled.ts';

/** A run that came to an end, with what predicting it needs. */
export interface CompleteRun {
  readonly name: string;
  readonly storedBits: number;
  readonly loss: number;
  readonly budget: ModelBudget;
  readonly order: ColumnOrder;
  readonly s: number;
}

/** The latest of them: more points than this cannot be told apart. */
const MOST_RUNS = 16;

/** The complete runs of a model that are foretold here: of the plain method, with a loss. */
export function useCompleteRuns({ id, description }: ModelCard): () => readonly CompleteRun[] {
  const store = useRuns();
  const known = new Map<RunCard['id'], RunDetail>();
  const found = useSettled(
    () => comparable(store.byModel, id).map((run) => run.id),
    (ids, signal) =>
      Promise.all(
        ids.map(async (each) => {
          const detail = known.get(each) ?? (await service.runs.get({ id: each }, { signal }));
          known.set(each, detail);
          return detail;
        }),
      ),
    1,
  );
  const runs = computed(() =>
    (found.shown.value?.answer ?? []).flatMap((detail) => completeRun(detail, description.blocks)),
  );
  return () => runs.value;
}

function comparable(byModel: ReadonlyMap<ModelId, readonly RunCard[]>, id: ModelId): RunCard[] {
  return (byModel.get(id) ?? [])
    .filter(({ figures, method }) => (figures?.loss ?? null) !== null && method === 'claq')
    .slice(0, MOST_RUNS);
}

function completeRun({ id, figures, choices }: RunDetail, blocks: number): CompleteRun[] {
  if (figures === null || figures.loss === null) return [];
  const { columnOrder, outlierS } = choices;
  return [
    {
      name: `Run ${id}`,
      storedBits: figures.storedBits,
      loss: figures.loss,
      budget: requestedModelBudget(choices, blocks),
      order: columnOrder ?? DEFAULT_COLUMN_ORDER,
      s: outlierS,
    },
  ];
}
