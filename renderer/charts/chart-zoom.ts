/** Which part of a chart's horizontal axis is shown, and what the keys do with it. */

/** In percent of the whole axis. */
export interface AxisRange {
  readonly start: number;
  readonly end: number;
}

export const WHOLE_AXIS: AxisRange = { start: 0, end: 100 };

/** A narrower part shows nothing more. */
const LEAST = 1;
const ZOOM = 0.7;
const STEP = 0.2;

/** Undefined for a key that does nothing to a chart. */
export function rangeAfterKey(key: string, { start, end }: AxisRange): AxisRange | undefined {
  const length = end - start;
  switch (key) {
    case '+':
    case '=':
      return around((start + end) / 2, Math.max(LEAST, length * ZOOM));
    case '-':
      return around((start + end) / 2, Math.min(100, length / ZOOM));
    case 'ArrowLeft':
      return from(start - STEP * length, length);
    case 'ArrowRight':
      return from(start + STEP * length, length);
    case '0':
      return WHOLE_AXIS;
    default:
      return undefined;
  }
}

function around(middle: number, length: number): AxisRange {
  return from(middle - length / 2, length);
}

function from(start: number, length: number): AxisRange {
  const first = Math.min(100 - length, Math.max(0, start));
  return { start: first, end: first + length };
}
