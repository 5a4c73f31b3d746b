/** What a screen can ask of a chart that it shows. */
export interface ChartHandle {
  /** The chart as it is shown, as the text of an SVG. */
  svg(): Promise<string>;
  /** Back from a part of the axis to all of it. */
  showAll(): void;
}
