import { defineStore } from 'pinia';
import { computed } from 'vue';
import type { ModelId } from '../../shared/library.ts';
import type { RunCard, RunId } from '../../shared/runs.ts';
import { service } from './service.ts';
import { useFetched } from './use-call.ts';

/** The runs of all models, latest first. */
export const useRuns = defineStore('runs', () => {
  const { value: runs, error, isPending, refresh } = useFetched(() => service.runs.list({}));
  const byId = computed(
    (): ReadonlyMap<RunId, RunCard> => new Map((runs.value ?? []).map((run) => [run.id, run])),
  );
  const byModel = computed((): ReadonlyMap<ModelId, readonly RunCard[]> => {
    const groups = new Map<ModelId, RunCard[]>();
    for (const run of runs.value ?? []) {
      const group = groups.get(run.modelId);
      if (group === undefined) groups.set(run.modelId, [run]);
      else group.push(run);
    }
    return groups;
  });
  return { runs, byId, byModel, error, isPending, refresh };
});
