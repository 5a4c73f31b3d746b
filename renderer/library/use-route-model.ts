import { type ComputedRef, computed } from 'vue';
import { useRoute } from 'vue-router';
import type { ModelCard } from '../../shared/library.ts';
import { useModels } from '../api/models-store.ts';

export interface RouteModel {
  /** As the address has it: NaN for what is no number. */
  readonly id: number;
  /** As the library has it; undefined while or where it has none. */
  readonly model: ComputedRef<ModelCard | undefined>;
}

/** The model that the address names. */
export function useRouteModel(): RouteModel {
  const models = useModels();
  const id = Number(useRoute().params['id']);
  return { id, model: computed(() => models.models?.find((each) => each.id === id)) };
}
