/** What the maps of all matrices let choose. */
export const SCALE_CHOICES = [
  { value: 'log', label: 'Log' },
  { value: 'linear', label: 'Linear' },
] as const;

export const MAP_CHOICES = [
  { value: 'outliers', label: 'Outlier ratio' },
  { value: 'sensitivity', label: 'Sensitivity' },
] as const;
