/** How a map is moved, zoomed and pointed at: by wheel, by dragging, by keys. */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import type { MatrixShape } from '../../shared/model.ts';
import { cellAtPlace, type MapCell, type MapSize, MARGIN, plotSize } from './map-picture.ts';
import { isWhole, type MapWindow, moved, showing, wholeMatrix, zoomed } from './map-window.ts';

export interface MapMoves {
  readonly window: ShallowRef<MapWindow>;
  /** What is pointed at, or where the keys are. */
  readonly cursor: ShallowRef<MapCell | undefined>;
  readonly showAll: () => void;
  readonly onWheel: (event: WheelEvent) => void;
  readonly onDown: (event: PointerEvent) => void;
  readonly onMove: (event: PointerEvent) => void;
  readonly onUp: (event: PointerEvent) => void;
  readonly onCancel: () => void;
  readonly onLeave: () => void;
  readonly onKey: (event: KeyboardEvent) => void;
}

interface MapParts {
  readonly shape: MatrixShape;
  readonly box: Readonly<Ref<HTMLElement | null>>;
  readonly size: Readonly<Ref<MapSize>>;
  /** Whether entries are told apart. */
  readonly isNear: () => boolean;
  readonly openColumn: (column: number) => void;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Of one turn of the wheel, and of a key. */
const WHEEL_ZOOM = 1.2;
const KEY_ZOOM = 1.5;
/** Where entries are not told apart, a key moves the cursor by this share of what is in sight. */
const KEY_STEP = 1 / 40;
/** Pixels that a pointer moves before it drags. */
const DRAG_FROM = 4;

const ARROWS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

export function useMapMoves({ shape, box, size, isNear, openColumn }: MapParts): MapMoves {
  const window = shallowRef<MapWindow>(wholeMatrix(shape));
  const cursor = shallowRef<MapCell>();
  const isKeyed = ref(false);
  let drag: (Point & { readonly start: Point; readonly isMoving: boolean }) | undefined;

  const cellAt = (place: Point): MapCell | undefined =>
    cellAtPlace(place, size.value, { shape, window: window.value });

  function placeOf(event: MouseEvent): Point {
    const { left, top } = box.value?.getBoundingClientRect() ?? { left: 0, top: 0 };
    return { x: event.clientX - left, y: event.clientY - top };
  }

  /** Place in the matrix, in fractions of its cells. */
  function pointAt(event: MouseEvent): Point {
    const { x, y } = placeOf(event);
    const plot = plotSize(size.value);
    return {
      x: window.value.x + ((x - MARGIN.left) / plot.width) * window.value.width,
      y: window.value.y + ((y - MARGIN.top) / plot.height) * window.value.height,
    };
  }

  function showAll(): void {
    window.value = wholeMatrix(shape);
  }

  function onWheel(event: WheelEvent): void {
    const factor = event.deltaY < 0 ? 1 / WHEEL_ZOOM : WHEEL_ZOOM;
    // Where there is nothing more to show, the wheel scrolls the page.
    if (factor > 1 && isWhole(window.value, shape)) return;
    event.preventDefault();
    window.value = zoomed(window.value, shape, factor, pointAt(event));
  }

  function onDown(event: PointerEvent): void {
    if (event.button !== 0) return;
    const place = placeOf(event);
    drag = { ...place, start: place, isMoving: false };
    box.value?.setPointerCapture(event.pointerId);
  }

  function onMove(event: PointerEvent): void {
    const place = placeOf(event);
    isKeyed.value = false;
    cursor.value = cellAt(place);
    if (drag === undefined) return;
    const { start, x, y } = drag;
    const isMoving = drag.isMoving || Math.hypot(place.x - start.x, place.y - start.y) >= DRAG_FROM;
    if (!isMoving) return;
    const plot = plotSize(size.value);
    window.value = moved(window.value, shape, {
      x: ((x - place.x) / plot.width) * window.value.width,
      y: ((y - place.y) / plot.height) * window.value.height,
    });
    drag = { ...place, start, isMoving };
  }

  function onUp(event: PointerEvent): void {
    const wasClick = drag !== undefined && !drag.isMoving;
    drag = undefined;
    const cell = cellAt(placeOf(event));
    if (wasClick && cell !== undefined) openColumn(cell.column);
  }

  function onCancel(): void {
    drag = undefined;
  }

  /** Where the keys are stays in sight. */
  function onLeave(): void {
    if (!isKeyed.value) cursor.value = undefined;
  }

  function middle(): MapCell {
    const { x, y, width, height } = window.value;
    return { row: Math.floor(y + height / 2), column: Math.floor(x + width / 2) };
  }

  function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const cell = cursor.value ?? middle();
    const arrow = ARROWS[event.key];
    if (arrow !== undefined) moveCursor(cell, arrow);
    else if (event.key === '+' || event.key === '=') zoomAt(cell, 1 / KEY_ZOOM);
    else if (event.key === '-') zoomAt(cell, KEY_ZOOM);
    else if (event.key === '0') showAll();
    else if (event.key === 'Enter') openColumn(cell.column);
    else return;
    event.preventDefault();
    isKeyed.value = true;
  }

  function moveCursor({ row, column }: MapCell, by: Point): void {
    const step = (length: number): number => (isNear() ? 1 : Math.max(1, Math.round(length * KEY_STEP)));
    const { width, height } = window.value;
    const within = (at: number, count: number): number => Math.min(count - 1, Math.max(0, at));
    const next = {
      row: within(row + by.y * step(height), shape.rows),
      column: within(column + by.x * step(width), shape.columns),
    };
    cursor.value = next;
    window.value = showing(window.value, shape, next);
  }

  function zoomAt(cell: MapCell, factor: number): void {
    cursor.value = cell;
    window.value = zoomed(window.value, shape, factor, { x: cell.column + 0.5, y: cell.row + 0.5 });
  }

  return { window, cursor, showAll, onWheel, onDown, onMove, onUp, onCancel, onLeave, onKey };
}
