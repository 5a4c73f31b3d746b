import { Play, ScanSearch, Table2, Trash2 } from '@lucide/vue';
import { computed, type ComputedRef } from 'vue';
import { useRouter } from 'vue-router';
import type { ModelCard } from '../../shared/library.ts';
import type { MenuItem } from '../components/menu-item.ts';
import { FOLDER_ACTION, openFolder } from '../run/folders.ts';

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
      { label: 'Show its runs', icon: Table2, act: () => void router.push(`/models/${id}`) },
      { ...FOLDER_ACTION, act: () => void openFolder(folder) },
      { label: 'Remove…', icon: Trash2, danger: true, separated: true, act: remove },
    ];
  });
}
