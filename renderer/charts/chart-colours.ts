/** The tokens' colours for what is drawn on a canvas, which knows no CSS variables. */
import { computed, type ComputedRef } from 'vue';
import { shownTheme } from '../app/use-theme.ts';

export interface ChartColours {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly faint: string;
  readonly surface: string;
  readonly accent: string;
  readonly font: string;
}

/** Read anew whenever the theme is another. */
export const chartColours: ComputedRef<ChartColours> = computed(() => {
  // Names the dependency: the tokens themselves cannot be watched.
  void shownTheme.value;
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    text: token('--text'),
    muted: token('--text-muted'),
    line: token('--border'),
    faint: token('--border-faint'),
    surface: token('--surface-raised'),
    accent: token('--accent'),
    font: token('--font'),
  };
});
