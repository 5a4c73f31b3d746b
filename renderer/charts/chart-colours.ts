/** The tokens' colours for what is drawn on a canvas, which knows no CSS variables. */
export interface ChartColours {
  readonly theme: 'light' | 'dark';
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly faint: string;
  readonly surface: string;
  readonly sunken: string;
  readonly accent: string;
  readonly font: string;
}
