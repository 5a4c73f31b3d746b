import { Gauge, Play, ScanSearch, Table2, Trash2 } from '@lucide/vue';
import { computed, type ComputedRef } from 'vue';
import { useRouter } from 'vue-router';
import type { ModelCard, ModelId } from '../../shared/library.ts';
import { service } from '../api/service.ts';
import { shownError } from '../api/shown-error.ts';
import type { MenuItem } from '../components/menu-item.ts';
import { say } from '../components/status-messages.ts';
import { FOLDER_ACTION, openFolder } from '../run/folders.ts';

/** Its progress and what fails are shown with all that goes on. */
async function measurePerplexity(id: ModelId): Promise<void> {
  try {
    await service.models.evaluate({ id });
  } catch (thrown) {
    say(shownError(thrown).message, 'bad');
  }
}

/** What can be done with a model, the same on its card and on its page. */
export function useModelMenu(
  model: () => ModelCard | undefined,
  remove: () => void,
): ComputedRef<readonly MenuItem[]> {
  const router = useRouter();
  return computed(() => {
    const shown = model();
    if (shown === undefined) return [];
    const { id, folder, missing } = shown;
    return [
      { label: 'Quantize', icon: Play, disabled: missing, act: () => void router.push(`/models/${id}/run`) },
      { label: 'Inspect', icon: ScanSearch, act: () => void router.push(`/models/${id}/inspect`) },
      {
        label: 'Measure perplexity',
        icon: Gauge,
        disabled: missing,
        act: () => void measurePerplexity(id),
      },
      { label: 'Show its runs', icon: Table2, act: () => void router.push(`/models/${id}`) },
      { ...FOLDER_ACTION, act: () => void openFolder(folder) },
      { label: 'Remove…', icon: Trash2, danger: true, separated: true, act: remove },
    ];
  });
}
