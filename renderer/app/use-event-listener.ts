import { onScopeDispose } from 'vue';

/** Listens for as long as the component lives. */
export function useEventListener<K extends keyof WindowEventMap>(
  target: Window,
  type: K,
  listener: (event: WindowEventMap[K]) => void,
): void {
  target.addEventListener(type, listener);
  onScopeDispose(() => target.removeEventListener(type, listener));
}
