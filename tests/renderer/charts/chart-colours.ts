import type { ChartColours } from '../../../renderer/charts/chart-colours.ts';

/** Of no theme. */
export const COLOURS: ChartColours = {
  theme: 'light',
  text: '#111111',
  muted: '#555555',
  line: '#cccccc',
  faint: '#eeeeee',
  surface: '#ffffff',
  sunken: '#f1f1ef',
  accent: '#1f5fbf',
  better: '#2f6fb0',
  worse: '#b35806',
  font: 'sans-serif',
};
