/** Light or dark: what the settings say, or the system. `data-theme` on the root decides all colours. */
import { onScopeDispose, shallowRef, watchEffect, type ShallowRef } from 'vue';
import type { Settings } from '../../shared/settings.ts';
import { useSettings } from '../api/settings-store.ts';

type Theme = Settings['theme'];
export type ShownTheme = 'light' | 'dark';

/** What is shown now: for charts, which draw their colours themselves. */
export const shownTheme: ShallowRef<ShownTheme> = shallowRef('light');

/** What was chosen when this window was open last: known before the service answers. */
const REMEMBERED = 'theme';

export function useTheme(): void {
  const settings = useSettings();
  const system = matchMedia('(prefers-color-scheme: dark)');
  const systemTheme = shallowRef<ShownTheme>(system.matches ? 'dark' : 'light');
  const follow = (): void => {
    systemTheme.value = system.matches ? 'dark' : 'light';
  };
  system.addEventListener('change', follow);
  onScopeDispose(() => system.removeEventListener('change', follow));
  watchEffect(() => {
    const chosen = settings.settings?.theme ?? remembered();
    localStorage.setItem(REMEMBERED, chosen);
    shownTheme.value = chosen === 'system' ? systemTheme.value : chosen;
    document.documentElement.dataset['theme'] = shownTheme.value;
  });
}

function remembered(): Theme {
  const kept = localStorage.getItem(REMEMBERED);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}
