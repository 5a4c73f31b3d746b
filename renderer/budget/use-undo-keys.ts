import { useEventListener } from '../app/use-event-listener.ts';

/** Ctrl+Z takes back, Ctrl+Shift+Z and Ctrl+Y do again, but for where a word is typed, which has steps of its own. */
export function useUndoKeys(undo: () => void, redo: () => void): void {
  useEventListener(window, 'keydown', (event) => {
    if (event.defaultPrevented || event.altKey || !(event.ctrlKey || event.metaKey)) return;
    if (isText(event.target) || document.querySelector('[role="dialog"]') !== null) return;
    const key = event.key.toLowerCase();
    if (key === 'z') (event.shiftKey ? redo : undo)();
    else if (key === 'y') redo();
    else return;
    event.preventDefault();
  });
}

function isText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLInputElement)) return target instanceof HTMLTextAreaElement;
  return (target.type === 'text' || target.type === 'search') && target.role !== 'spinbutton';
}
