import { useEventListener } from './use-event-listener.ts';
import type { Router } from 'vue-router';
import { GO_TO, shortcutReader } from './shortcuts.ts';
import { toggleSideBar } from './side-bar-state.ts';

/** The keys that work everywhere, unless something is typed or a dialog is open. */
export function useShortcuts(router: Router, showKeys: () => void): void {
  const actions: Readonly<Record<string, () => void>> = {
    '?': showKeys,
    '[': toggleSideBar,
    '/': focusSearch,
    ...Object.fromEntries(GO_TO.map(({ keys, path }) => [keys, () => void router.push(path)])),
  };
  const read = shortcutReader(Object.keys(actions));
  useEventListener(window, 'keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target))
      return;
    if (document.querySelector('[role="dialog"], [role="menu"]') !== null) return;
    const name = read(event.key, event.timeStamp);
    if (name === undefined) return;
    event.preventDefault();
    actions[name]?.();
  });
}

/** Puts the keyboard into the search field of the screen, where it has one. */
export function focusSearch(): void {
  document.querySelector<HTMLElement>('main input[type="search"]')?.focus();
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button'].includes(target.type);
  return (
    target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
  );
}
