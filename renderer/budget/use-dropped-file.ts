import { shallowRef, type ShallowRef } from 'vue';
import { useEventListener } from '../app/use-event-listener.ts';

/**
 * A file dropped on the window, and read there.
 * @returns whether one is held over the window now
 */
export function useDroppedFile(take: (file: File) => void): ShallowRef<boolean> {
  const isOver = shallowRef(false);
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  useEventListener(window, 'dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    isOver.value = true;
  });
  useEventListener(window, 'dragleave', (event) => {
    // It also leaves each element inside of the window for the next.
    if (event.relatedTarget === null) isOver.value = false;
  });
  useEventListener(window, 'drop', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    isOver.value = false;
    const file = event.dataTransfer?.files[0];
    if (file !== undefined) take(file);
  });
  return isOver;
}
