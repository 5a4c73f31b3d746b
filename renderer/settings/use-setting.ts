/** One setting as a control's value: what is chosen is saved at once, what is typed after a pause. */
import { computed, onScopeDispose, shallowRef, watch, type ShallowRef, type WritableComputedRef } from 'vue';
import type { Settings } from '../../shared/settings.ts';
import { useSettings } from '../api/settings-store.ts';
import { shownError, type ShownError } from '../api/shown-error.ts';

export interface Setting<V> {
  readonly value: WritableComputedRef<V>;
  /** Why the service did not take it; it stays in the control. */
  readonly error: ShallowRef<ShownError | null>;
}

/** Milliseconds without a key after which a number is taken as typed. */
export const TYPING_PAUSE = 600;

/**
 * @param settings as they are at first
 * @param pause milliseconds to wait for more
 */
export function useSetting<K extends keyof Settings>(
  settings: Settings,
  key: K,
  pause = 0,
): Setting<Settings[K]> {
  const store = useSettings();
  /** Only its own setting is looked at. */
  const draft = shallowRef(settings);
  const error = shallowRef<ShownError | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function save(): Promise<void> {
    timer = undefined;
    try {
      await store.change({ [key]: draft.value[key] });
      error.value = null;
    } catch (thrown) {
      error.value = shownError(thrown);
    }
  }

  // Another window may change it.
  watch(
    () => store.settings,
    (now) => {
      if (now !== undefined && timer === undefined) draft.value = now;
    },
  );
  // Leaving the screen while the pause lasts does not lose what was typed.
  onScopeDispose(() => {
    if (timer === undefined) return;
    clearTimeout(timer);
    void save();
  });

  const value = computed({
    get: () => draft.value[key],
    set: (next) => {
      draft.value = { ...draft.value, [key]: next };
      clearTimeout(timer);
      if (pause === 0) void save();
      else timer = setTimeout(() => void save(), pause);
    },
  });
  return { value, error };
}
