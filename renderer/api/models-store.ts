import { defineStore } from 'pinia';
import { computed } from 'vue';
import type { ModelCard, ModelId } from '../../shared/library.ts';
import { service } from './service.ts';
import { useFetched } from './use-call.ts';

/** The models of the library. */
export const useModels = defineStore('models', () => {
  const { value: models, error, isPending, refresh } = useFetched(() => service.models.list());
  const byId = computed(
    (): ReadonlyMap<ModelId, ModelCard> => new Map((models.value ?? []).map((model) => [model.id, model])),
  );
  return { models, byId, error, isPending, refresh };
});
