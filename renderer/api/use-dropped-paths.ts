/** Files and folders dropped on the window. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import { DROPPED_MESSAGE } from '../../shared/window-messages.ts';
import { isDesktop } from './service.ts';

/**
 * @param take gets absolute paths in the desktop app, whose preload knows them; in a browser, which does not tell, none
 * @returns whether something is held over the window now
 */
export function useDroppedPaths(take: (paths: readonly string[]) => void): ShallowRef<boolean> {
  const isOver = shallowRef(false);
  const stop = new AbortController();
  const { signal } = stop;
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;

  addEventListener(
    'dragover',
    (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      isOver.value = true;
    },
    { signal },
  );
  addEventListener(
    'dragleave',
    (event) => {
      // It also leaves each element inside of the window for the next.
      if (event.relatedTarget === null) isOver.value = false;
    },
    { signal },
  );
  addEventListener(
    'drop',
    (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      isOver.value = false;
      if (!isDesktop) take([]);
    },
    { signal },
  );
  addEventListener(
    'message',
    (event: MessageEvent<unknown>) => {
      const paths = event.source === window ? droppedPaths(event.data) : undefined;
      if (paths !== undefined) take(paths);
    },
    { signal },
  );
  onScopeDispose(() => stop.abort());
  return isOver;
}

function droppedPaths(data: unknown): readonly string[] | undefined {
  if (typeof data !== 'object' || data === null || !('kind' in data) || data.kind !== DROPPED_MESSAGE)
    return undefined;
  if (!('paths' in data) || !Array.isArray(data.paths)) return undefined;
  return data.paths.filter((path: unknown) => typeof path === 'string');
}
