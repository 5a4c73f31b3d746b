import { computed, type ComputedRef } from 'vue';
import { shownTheme } from '../app/use-theme.ts';
import type { ChartColours } from './chart-colours.ts';

/** The colours of the theme that is shown, read from the tokens. */
export function useChartColours(): ComputedRef<ChartColours> {
  return computed(() => {
    const style = getComputedStyle(document.documentElement);
    const token = (name: string): string => style.getPropertyValue(name).trim();
    return {
      // Tokens cannot be watched: the theme that they follow can.
      theme: shownTheme.value,
      text: token('--text'),
      muted: token('--text-muted'),
      line: token('--border'),
      faint: token('--border-faint'),
      surface: token('--surface-raised'),
      sunken: token('--surface-sunken'),
      accent: token('--accent'),
      better: token('--diverge-better'),
      worse: token('--diverge-worse'),
      // In an SVG it stands in an attribute, between quotes.
      font: token('--font').replaceAll('"', "'"),
    };
  });
}
