import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import { drawingTurns } from './drawing-turns.ts';

/** Of all pictures of the window. What draws is a task of its own: within the frame's it would lengthen layout and paint. */
export const turns = drawingTurns({
  soon: (turn) => void setTimeout(turn),
  behindFrame: (turn) => void requestAnimationFrame(() => setTimeout(turn)),
});

/** What a picture shows: it follows the source when the picture's turn has come. */
export function useInTurn<T>(source: () => T): Readonly<ShallowRef<T>> {
  const shown = shallowRef(source());
  const follow = (): void => {
    shown.value = source();
  };
  watch(source, () => turns.ask(follow), { flush: 'sync' });
  onScopeDispose(() => turns.leave(follow));
  return shown;
}
