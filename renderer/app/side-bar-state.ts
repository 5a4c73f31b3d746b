/** Whether the side bar is folded: this window's own affair, so the window remembers it. */
import { ref } from 'vue';

const KEY = 'side-bar';

export const isFolded = ref(localStorage.getItem(KEY) === 'folded');

export function toggleSideBar(): void {
  isFolded.value = !isFolded.value;
  localStorage.setItem(KEY, isFolded.value ? 'folded' : 'open');
}
