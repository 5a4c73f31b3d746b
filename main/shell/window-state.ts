/** Where the window was, and whether it can be there again. */
import type { Rectangle } from 'electron';
import { z } from 'zod';

/** Pixels of a desktop of many screens; more is a broken file. */
const MOST = 100_000;
const position = z.int().min(-MOST).max(MOST);

export const SMALLEST = { width: 900, height: 600 };
const USUAL = { width: 1360, height: 880 };
/** Of the window's upper edge, by which it is dragged; less on a screen cannot be caught. */
const CATCHABLE = { width: 120, height: 32 };

export const windowStateSchema = z.strictObject({
  /** Of the window when it is not maximized. */
  bounds: z.strictObject({
    x: position,
    y: position,
    width: z.int().min(1).max(MOST),
    height: z.int().min(1).max(MOST),
  }),
  isMaximized: z.boolean(),
});
export type WindowState = z.infer<typeof windowStateSchema>;

/**
 * The state that the window is opened with: the remembered one where its upper edge can be caught on one of the screens, else
 * the usual size in the middle of the first.
 *
 * @param workAreas of the screens, the primary one first
 */
export function openingState(
  remembered: WindowState | undefined,
  workAreas: readonly Rectangle[],
): WindowState {
  if (remembered !== undefined && workAreas.some((area) => canBeCaught(remembered.bounds, area))) {
    const { bounds, isMaximized } = remembered;
    const width = Math.max(bounds.width, SMALLEST.width);
    const height = Math.max(bounds.height, SMALLEST.height);
    return { bounds: { ...bounds, width, height }, isMaximized };
  }
  const area = workAreas[0] ?? { x: 0, y: 0, ...USUAL };
  const width = Math.min(USUAL.width, area.width);
  const height = Math.min(USUAL.height, area.height);
  const x = area.x + Math.floor((area.width - width) / 2);
  const y = area.y + Math.floor((area.height - height) / 2);
  return { bounds: { x, y, width, height }, isMaximized: remembered?.isMaximized ?? false };
}

function canBeCaught(bounds: Rectangle, area: Rectangle): boolean {
  const right = Math.min(bounds.x + bounds.width, area.x + area.width);
  const width = right - Math.max(bounds.x, area.x);
  const isEdgeInside = bounds.y >= area.y && bounds.y + CATCHABLE.height <= area.y + area.height;
  return isEdgeInside && width >= CATCHABLE.width;
}
