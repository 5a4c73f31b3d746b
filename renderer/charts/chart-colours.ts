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
  /** The ends of a scale with a middle: what gets more, and what gets less. */
  readonly better: string;
  readonly worse: string;
  readonly font: string;
}
