/** Shares that sliders move over. */

/** Of the columns, from the head of the Outlier Order: dense where the outliers are. */
export const HEAD_SHARES: readonly number[] = [
  ...Array.from({ length: 20 }, (_, at) => (at + 1) / 1000),
  ...Array.from({ length: 36 }, (_, at) => (25 + 5 * at) / 1000),
  ...Array.from({ length: 40 }, (_, at) => (22 + 2 * at) / 100),
];

/** Of a column's entries, reserved at each tail: the paper's are among them, a quarter is the most that a budget takes. */
export const TAIL_SHARES: readonly number[] = [
  0, 0.001, 0.002, 0.004, 0.006, 0.008, 0.01, 0.014, 0.02, 0.028, 0.04, 0.056, 0.08, 0.1, 0.15, 0.2, 0.25,
];
