/** Collects what a stream sends and hands it on once a frame, so that 60 updates a second cost one rendering each at most. */

/** Asks for a call before the next frame; returns what calls it off. */
export type RequestFrame = (callback: () => void) => () => void;

export interface FrameBatch<T> {
  add(item: T): void;
  /** Drops what waits. */
  clear(): void;
}

export function frameBatch<T>(
  deliver: (items: readonly T[]) => void,
  requestFrame: RequestFrame,
): FrameBatch<T> {
  let items: T[] = [];
  let cancel: (() => void) | undefined;
  return {
    add(item) {
      items.push(item);
      cancel ??= requestFrame(() => {
        const batch = items;
        items = [];
        cancel = undefined;
        deliver(batch);
      });
    },
    clear() {
      cancel?.();
      cancel = undefined;
      items = [];
    },
  };
}
