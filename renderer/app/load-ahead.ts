/** What will be wanted next: the charts, which take longer to load than all else, and the screens that have some. */
const PARTS: readonly (() => Promise<unknown>)[] = [
  () => import('../charts/echarts-modules.ts'),
  () => import('../inspect/InspectScreen.vue'),
  () => import('../budget/BudgetScreen.vue'),
  () => import('../run/RunScreen.vue'),
];

/** Milliseconds that the first screen has for itself, and those after which a window that is never idle goes on all the same. */
const FIRST_SCREEN_MS = 2000;
const NEVER_IDLE_MS = 5000;

/** Loads them one by one, whenever the window has nothing else to do. */
export function loadAhead(): void {
  setTimeout(() => void loadWhenIdle(), FIRST_SCREEN_MS);
}

async function loadWhenIdle(): Promise<void> {
  for (const load of PARTS) {
    await idle();
    try {
      await load();
    } catch {
      // Who opens the screen asks again, and is told why it is not there.
      return;
    }
  }
}

function idle(): Promise<void> {
  return new Promise((resolve) => {
    // Safari has no such callback.
    if (typeof requestIdleCallback === 'function') {
      requestIdleCallback(() => resolve(), { timeout: NEVER_IDLE_MS });
    } else setTimeout(resolve);
  });
}
