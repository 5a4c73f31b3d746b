import { useRouter } from 'vue-router';
import type { ModelCard } from '../../shared/library.ts';
import { service } from '../api/service.ts';
import { useAction, type Action } from '../api/use-call.ts';

/** Adds the demo model and goes on to the form of its run, whose defaults are good: one click. */
export function useDemoModel(): Action<[], ModelCard> {
  const router = useRouter();
  return useAction(async () => {
    const model = await service.models.addDemo();
    await router.push(`/models/${model.id}/run`);
    return model;
  });
}
